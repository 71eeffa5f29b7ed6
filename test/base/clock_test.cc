#include "source/base/clock.h"

#include <limits>

#include "gtest/gtest.h"

namespace weir::base {
namespace {

TEST(ClockTest, MonotonicTimeNeverGoesBack) {
  RealClock clock;
  MonotonicTime last = clock.monotonic();
  for (int i = 0; i < 1000; ++i) {
    const MonotonicTime now = clock.monotonic();
    EXPECT_LE(last, now);
    last = now;
  }
}

TEST(ClockTest, WallTimeIsInThisCentury) {
  const absl::Time now = RealClock().wall();
  EXPECT_GT(now, absl::FromUnixSeconds(1'600'000'000));
  EXPECT_LT(now, absl::FromUnixSeconds(4'102'444'800));
}

TEST(MonotonicTimeTest, AddsAndSubtracts) {
  const MonotonicTime t{1'000};
  EXPECT_EQ((t + absl::Microseconds(2)).nanoseconds, 3'000);
  EXPECT_EQ((t + absl::Microseconds(2)) - t, absl::Microseconds(2));
  EXPECT_LT(t, t + absl::Nanoseconds(1));
}

TEST(MonotonicTimeTest, SaturatesOnInfiniteDurations) {
  const MonotonicTime t{1'000};
  EXPECT_EQ((t + absl::InfiniteDuration()).nanoseconds, std::numeric_limits<int64_t>::max());
  EXPECT_EQ((MonotonicTime{-5} + -absl::InfiniteDuration()).nanoseconds, std::numeric_limits<int64_t>::min());
}

TEST(MonotonicTimeTest, CountsWholeMilliseconds) {
  const MonotonicTime t{1'000};
  EXPECT_EQ(millisecondsBetween(t, t + absl::Nanoseconds(999'999)), 0);
  EXPECT_EQ(millisecondsBetween(t, t + absl::Milliseconds(1)), 1);
  EXPECT_EQ(millisecondsBetween(t, t + absl::Seconds(3600)), 3'600'000);
  EXPECT_EQ(millisecondsBetween(t + absl::Microseconds(1500), t), -1);
}

}  // namespace
}  // namespace weir::base
