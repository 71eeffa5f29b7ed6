// HealthChecker: one configured active check of one cluster: a session with a probe for each of its hosts, whose
// results set the health flags. A host may also say, in the answer to any request, that it must not be used: then it is
// as if a check had failed for good, and it does not count for a panic until one passes again. Made on the main thread
// by HealthChecks, which owns it; main thread only. Hosts come unhealthy until their first check has passed, and are
// checked at once.
#pragma once

#include <functional>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "source/stats/stats.h"
#include "source/upstream/cluster_hosts.h"
#include "source/upstream/health/check_state.h"
#include "source/upstream/health/health_config.h"
#include "source/upstream/health/health_events.h"
#include "source/upstream/health/probe.h"

namespace weir::upstream::health {

class HealthChecker final : private HostObserver {
 public:
  // All outlive it.
  struct Context {
    const CheckConfig& config;
    ClusterHosts& hosts;
    const net::WorkerContext& main;
    http::h2::SessionMemory& h2_memory;
    stats::Registry& registry;
    HealthEvents& events;
    // A check of that host has passed; may be null.
    std::function<void(const Host&)> on_passed;
  };
  explicit HealthChecker(Context context);
  ~HealthChecker();
  HealthChecker(const HealthChecker&) = delete;
  HealthChecker& operator=(const HealthChecker&) = delete;

  // Every host was checked once at least.
  bool warm() const { return unchecked_ == 0; }

 private:
  class Session;
  // What workers post to. `checker` is null after its end; main thread.
  struct Inbox {
    event::Dispatcher& main;
    HealthChecker* checker;
  };
  struct Stats {
    stats::CounterId attempt;
    stats::CounterId success;
    stats::CounterId failure;
    stats::CounterId passive_failure;
    stats::CounterId network_failure;
    stats::CounterId timeout;
    stats::GaugeId healthy;
  };

  void onHostsChanged(std::span<const std::shared_ptr<const Host>> added,
                      std::span<const std::shared_ptr<const Host>> removed) override;
  void add(const std::shared_ptr<const Host>& host);
  // A request has gone to the cluster at some time.
  bool traffic() const;
  stats::Shard& shard() const { return context_.main.stats; }

  const Context context_;
  const std::shared_ptr<Inbox> inbox_;
  Stats stats_;
  absl::flat_hash_map<const Host*, std::unique_ptr<Session>> sessions_;
  size_t unchecked_ = 0;
  mutable bool traffic_ = false;
};

}  // namespace weir::upstream::health
