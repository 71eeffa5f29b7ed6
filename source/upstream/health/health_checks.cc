#include "source/upstream/health/health_checks.h"

#include <algorithm>
#include <utility>

#include "source/base/check.h"

namespace weir::upstream::health {

std::unique_ptr<HealthEvents> HealthChecks::makeEvents(const Seams& seams,
                                                       const std::vector<std::string>& paths) const {
  std::vector<HealthEvents::Write> logs;
  for (const std::string& path : paths) {
    HealthEvents::Write write = path.empty() || !seams.open_log ? nullptr : seams.open_log(path);
    if (write) logs.push_back(std::move(write));
  }
  const net::WorkerContext& main = seams.main;
  return std::make_unique<HealthEvents>([&main] { return main.dispatcher.wallNow(); }, std::move(logs));
}

HealthChecks::HealthChecks(HostDirectory& directory, std::span<const ClusterHealth> configs, const Seams& seams) {
  const net::WorkerContext& main = seams.main;
  CHECK(configs.size() == directory.all().size(), "one for each cluster");
  for (size_t i = 0; i < configs.size(); ++i) {
    ClusterHosts* const hosts = directory.all()[i].get();
    const ClusterHealth& config = configs[i];
    if (config.checks.empty() && config.outliers == nullptr) continue;
    auto of_cluster = std::make_unique<OfCluster>();
    OfCluster& to = *of_cluster;
    if (config.outliers != nullptr) {
      to.events.push_back(makeEvents(seams, {seams.ejection_log}));
      to.outliers = std::make_unique<OutlierDetector>(OutlierDetector::Context{
          *config.outliers, *hosts, main.dispatcher, main.random, seams.registry, main.stats, *to.events.back()});
    }
    for (const std::shared_ptr<const CheckConfig>& check : config.checks) {
      to.events.push_back(makeEvents(seams, check->event_logs));
      to.checkers.push_back(std::make_unique<HealthChecker>(HealthChecker::Context{
          *check, *hosts, main, h2_memory_, seams.registry, *to.events.back(), [&to](const Host& host) {
            if (to.outliers != nullptr) to.outliers->onCheckPassed(host);
          }}));
    }
    clusters_.push_back(std::move(of_cluster));
  }
}

HealthChecks::~HealthChecks() = default;

bool HealthChecks::warm() const {
  return std::all_of(clusters_.begin(), clusters_.end(), [](const auto& cluster) {
    return std::all_of(cluster->checkers.begin(), cluster->checkers.end(),
                       [](const auto& checker) { return checker->warm(); });
  });
}

}  // namespace weir::upstream::health
