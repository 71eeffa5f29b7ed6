#include "source/upstream/cluster.h"

#include <utility>

#include "source/base/check.h"

namespace weir::upstream {

absl::StatusOr<std::unique_ptr<net::Socket>> connectFor(net::Network& network, const ClusterConfig& config,
                                                        const net::Address& address) {
  if (config.source == nullptr) return network.connect(address, config.keep_alive);
  return network.connectFrom(*config.source, address, config.keep_alive);
}

SharedLimit::Take SharedLimit::tryTake(uint32_t limit) {
  uint32_t used = used_.load(std::memory_order_relaxed);
  do {
    if (used >= limit) return Take::kRefused;
  } while (!used_.compare_exchange_weak(used, used + 1, std::memory_order_relaxed));
  return used + 1 == limit_ ? Take::kTakenLast : Take::kTaken;
}

bool SharedLimit::give() {
  const uint32_t before = used_.fetch_sub(1, std::memory_order_relaxed);
  CHECK(before > 0, "a permit is given back by whoever took it");
  return before == limit_;
}

Cluster::Cluster(ClusterConfig config, stats::Registry& registry)
    : initial_entries_(makeEntries(std::exchange(config.hosts, {}), kLongAgo, config.transport_matches)),
      config_(std::move(config)),
      stats_(registry, config_.stat_name.empty() ? config_.name : config_.stat_name),
      breakers_{CircuitBreaker(config_.thresholds[0]), CircuitBreaker(config_.thresholds[1])},
      initial_hosts_(std::make_shared<const HostSet>(initial_entries_, initial_entries_.size(), config_.lb,
                                                     base::MonotonicTime{0})) {
  const std::string& name = config_.stat_name.empty() ? config_.name : config_.stat_name;
  if (config_.lb.zone_aware.has_value()) zone_stats_.emplace(registry, name);
  if (config_.track_timeout_budgets) budget_stats_.emplace(registry, name);
  if (config_.track_sizes) size_stats_.emplace(registry, name);
}

}  // namespace weir::upstream
