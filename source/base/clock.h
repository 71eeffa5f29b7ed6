// Time behind a seam: monotonic time for deadlines and durations, wall time for logs and dates. The process owns one
// RealClock; the test harness owns a simulated one that all its dispatchers share. Reading is safe from any thread.
// Code on a worker asks its Dispatcher, which reads the clock once per turn, and not the Clock itself.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>

#include "absl/time/time.h"

namespace weir::base {

// An instant on a clock that never goes back. Only differences mean anything.
struct MonotonicTime {
  int64_t nanoseconds = 0;

  friend auto operator<=>(MonotonicTime, MonotonicTime) = default;
  // Saturates, so that adding an infinite duration gives an instant that never comes.
  friend MonotonicTime operator+(MonotonicTime t, absl::Duration d) {
    if (d == absl::InfiniteDuration()) return {std::numeric_limits<int64_t>::max()};  // the usual "never", at once
    const int64_t n = absl::ToInt64Nanoseconds(d);
    int64_t sum;
    if (!__builtin_add_overflow(t.nanoseconds, n, &sum)) return {sum};
    return {n > 0 ? std::numeric_limits<int64_t>::max() : std::numeric_limits<int64_t>::min()};
  }
  friend absl::Duration operator-(MonotonicTime a, MonotonicTime b) {
    return absl::Nanoseconds(a.nanoseconds - b.nanoseconds);
  }
};

// Whole milliseconds, as they are counted: without the detour over a Duration, whose division is one of 128 bits.
inline int64_t millisecondsBetween(MonotonicTime from, MonotonicTime to) {
  return (to.nanoseconds - from.nanoseconds) / 1'000'000;
}

class Clock {
 public:
  virtual ~Clock() = default;
  virtual MonotonicTime monotonic() const = 0;
  virtual absl::Time wall() const = 0;
};

// CLOCK_MONOTONIC and CLOCK_REALTIME of the machine.
class RealClock final : public Clock {
 public:
  MonotonicTime monotonic() const override;
  absl::Time wall() const override;
};

}  // namespace weir::base
