// CheckState: what a row of check results says about one host: healthy or not, and when to ask again. Arithmetic only:
// no timers, no sockets. A member of the host's session; main thread.
//
// The first result counts at once, whatever the thresholds: a host that was never checked is neither.
#pragma once

#include <cstdint>

#include "absl/time/time.h"
#include "source/base/random.h"
#include "source/upstream/health/health_config.h"

namespace weir::upstream::health {

enum class CheckResult : uint8_t {
  kPass,
  kPassDegraded,
  kFail,        // counts towards the threshold
  kFailAtOnce,  // the host itself said so: the threshold does not matter
  kTimeout,
  kConnectFailure,
};

class CheckState {
 public:
  explicit CheckState(const CheckConfig& config) : config_(config) {}

  struct Change {
    bool became_healthy = false;
    bool became_unhealthy = false;
    bool first = false;
  };
  Change onResult(CheckResult result);
  bool healthy() const { return healthy_; }
  bool checked() const { return checked_; }
  bool degraded() const { return degraded_; }

  // Until the next check. `traffic`: a request has gone to the cluster at some time.
  absl::Duration nextInterval(bool traffic, base::Random& random) const;

 private:
  absl::Duration plainInterval(bool traffic) const;

  const CheckConfig& config_;
  bool checked_ = false;
  bool healthy_ = false;
  bool degraded_ = false;
  bool last_passed_ = false;
  uint32_t in_a_row_ = 0;  // results like the last one, that have not changed `healthy_` yet
};

}  // namespace weir::upstream::health
