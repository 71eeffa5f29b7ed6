// SimClock: time that only its Simulation moves. Begins at one second (so that "one second ago" exists) and at
// 2026-01-01T00:00:00Z on the wall; both advance together.
#pragma once

#include "absl/time/time.h"
#include "source/base/clock.h"

namespace weir::harness {

class SimClock final : public base::Clock {
 public:
  base::MonotonicTime monotonic() const override { return now_; }
  absl::Time wall() const override { return kEpoch + absl::Nanoseconds(now_.nanoseconds) + wall_step_; }

  // Never back.
  void moveTo(base::MonotonicTime time) {
    if (time > now_) now_ = time;
  }
  // The administrator sets the wall clock; monotonic time does not notice.
  void stepWall(absl::Duration step) { wall_step_ += step; }

 private:
  static constexpr absl::Time kEpoch = absl::FromUnixSeconds(1'767'225'600 - 1);
  base::MonotonicTime now_{1'000'000'000};
  absl::Duration wall_step_;
};

}  // namespace weir::harness
