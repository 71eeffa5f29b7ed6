// OutlierDetector: passive health of the hosts of one cluster: ejects those that fail more than others, and lets them
// back. Made on the main thread by HealthChecks, which owns it; everything here runs on the main thread but the
// monitors, whose counters workers move. The rules are Envoy's; outlier_math.h has the arithmetic.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "source/base/random.h"
#include "source/event/dispatcher.h"
#include "source/event/timer.h"
#include "source/stats/stats.h"
#include "source/upstream/cluster_hosts.h"
#include "source/upstream/health/health_config.h"
#include "source/upstream/health/health_events.h"
#include "source/upstream/health/outlier_math.h"

namespace weir::upstream::health {

enum class EjectionCause : uint8_t {
  kConsecutive5xx,
  kConsecutiveGatewayFailure,
  kConsecutiveLocalOriginFailure,
  kSuccessRate,
  kSuccessRateLocalOrigin,
  kFailurePercentage,
  kFailurePercentageLocalOrigin,
};
inline constexpr size_t kEjectionCauses = 7;
// "consecutive_5xx"; as in the names of the counters.
std::string_view ejectionCauseName(EjectionCause cause);

class OutlierDetector final : private HostObserver, private event::TimerHandler {
 public:
  // All outlive it. Its monitors are made for every host from now on.
  struct Context {
    const OutlierConfig& config;
    ClusterHosts& hosts;
    event::Dispatcher& main;
    base::Random& random;
    stats::Registry& registry;
    stats::Shard& shard;
    HealthEvents& events;
  };
  explicit OutlierDetector(const Context& context);
  ~OutlierDetector();
  OutlierDetector(const OutlierDetector&) = delete;
  OutlierDetector& operator=(const OutlierDetector&) = delete;

  // An active check of the host has passed.
  void onCheckPassed(const Host& host);

 private:
  // Counted by workers; read and emptied by the main thread.
  struct Counts {
    std::atomic<uint32_t> errors_in_a_row{0};
    std::atomic<uint32_t> gateway_in_a_row{0};
    std::atomic<uint32_t> local_in_a_row{0};
    std::atomic<uint64_t> good{0};
    std::atomic<uint64_t> total{0};
    std::atomic<uint64_t> local_good{0};
    std::atomic<uint64_t> local_total{0};
  };
  // One host. Lives as long as the detector or the host's monitor knows it; `host` is null when it has left.
  struct Record {
    Counts counts;
    const Host* host = nullptr;
    bool ejected = false;
    uint32_t times = 0;
    base::MonotonicTime back_at;
    std::optional<base::MonotonicTime> last_action;
    EjectionCause cause = EjectionCause::kConsecutive5xx;  // of the last ejection
  };
  // What monitors post to. `detector` is null after its end; main thread.
  struct Inbox {
    event::Dispatcher& main;
    const OutlierConfig config;
    OutlierDetector* detector;
  };
  class Monitor;
  struct CauseStats {
    stats::CounterId detected;
    stats::CounterId enforced;
  };

  void onHostsChanged(std::span<const std::shared_ptr<const Host>> added,
                      std::span<const std::shared_ptr<const Host>> removed) override;
  void onTimer(event::Timer& timer) override;

  std::unique_ptr<HostMonitor> makeMonitor(const Host& host);
  void onConsecutive(const std::shared_ptr<Record>& record, EjectionCause cause);
  void checkRates(bool local);
  // `detail`: see Ejection.
  void detected(Record& record, EjectionCause cause, uint32_t enforcing, std::string detail);
  void eject(Record& record, EjectionCause cause, std::string detail);
  std::optional<absl::Duration> sinceLastAction(const Record& record) const;
  void uneject(Record& record);
  void letBack();

  const Context context_;
  const std::shared_ptr<Inbox> inbox_;
  event::Timer timer_;
  absl::flat_hash_map<const Host*, std::shared_ptr<Record>> records_;
  size_t ejected_ = 0;
  std::array<CauseStats, kEjectionCauses> causes_;
  stats::CounterId enforced_total_;
  stats::CounterId overflow_;
  stats::GaugeId active_;
};

}  // namespace weir::upstream::health
