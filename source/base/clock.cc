#include "source/base/clock.h"

#include <ctime>

#include "source/base/check.h"

namespace weir::base {
namespace {

int64_t nanosecondsOf(clockid_t id) {
  timespec now;
  CHECK(clock_gettime(id, &now) == 0, "both clocks exist on every Linux");
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

MonotonicTime RealClock::monotonic() const { return {nanosecondsOf(CLOCK_MONOTONIC)}; }

absl::Time RealClock::wall() const { return absl::FromUnixNanos(nanosecondsOf(CLOCK_REALTIME)); }

}  // namespace weir::base
