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

  struct Seams {
    const net::WorkerContext& main;  // the context of the main thread
    stats::Registry& registry;
    OpenLog open_log;          // may be null
    std::string ejection_log;  // the file of what outlier detection does; empty: none
  };

  // `configs` is of the clusters of the directory, in its order. These, and what `seams` refers to, outlive it. Checks
  // begin with the next turn.
  HealthChecks(HostDirectory& directory, std::span<const ClusterHealth> configs, const Seams& seams);
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

  std::unique_ptr<HealthEvents> makeEvents(const Seams& seams, const std::vector<std::string>& paths) const;

  http::h2::SessionMemory h2_memory_;
  std::vector<std::unique_ptr<OfCluster>> clusters_;
};

}  // namespace weir::upstream::health
