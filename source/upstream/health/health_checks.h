// HealthChecks: all active checks and outlier detection of the process. Made on the main thread by the Server, which
// owns it, before workers start; main thread only.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "source/http/h2/session_memory.h"
#include "source/upstream/health/health_checker.h"
#include "source/upstream/health/health_config.h"
#include "source/upstream/health/outlier_detector.h"
#include "source/upstream/host_directory.h"

namespace weir::upstream::health {

class HealthChecks {
 public:
  // Gives what takes the lines of an event log; null when it cannot be opened.
  using OpenLog = std::function<HealthEvents::Write(const std::string& path)>;

  // `configs` is of the clusters of the directory, in its order; `main` is the context of the main thread. All outlive
  // it. Checks begin with the next turn.
  HealthChecks(HostDirectory& directory, std::span<const ClusterHealth> configs, const net::WorkerContext& main,
               stats::Registry& registry, const OpenLog& open_log);
  ~HealthChecks();

  // Every host that is checked was checked once at least.
  bool warm() const;

 private:
  struct OfCluster {
    // In this order: checkers tell the detector what has passed.
    std::unique_ptr<OutlierDetector> outliers;
    std::vector<std::unique_ptr<HealthEvents>> events;
    std::vector<std::unique_ptr<HealthChecker>> checkers;
  };

  http::h2::SessionMemory h2_memory_;
  std::vector<std::unique_ptr<OfCluster>> clusters_;
};

}  // namespace weir::upstream::health
