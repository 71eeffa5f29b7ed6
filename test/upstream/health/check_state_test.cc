#include "source/upstream/health/check_state.h"

#include <vector>

#include "gtest/gtest.h"

namespace weir::upstream::health {
namespace {

CheckConfig thresholds(uint32_t unhealthy, uint32_t healthy) {
  CheckConfig config;
  config.unhealthy_threshold = unhealthy;
  config.healthy_threshold = healthy;
  return config;
}

// 'P' for a host that is healthy after the result, 'F' for one that is not.
std::string after(const CheckConfig& config, const std::vector<CheckResult>& results) {
  CheckState state(config);
  std::string text;
  for (const CheckResult result : results) {
    state.onResult(result);
    text += state.healthy() ? 'P' : 'F';
  }
  return text;
}

constexpr CheckResult kPass = CheckResult::kPass;
constexpr CheckResult kFail = CheckResult::kFail;

TEST(CheckStateTest, TheFirstResultCountsAtOnce) {
  const CheckConfig config = thresholds(3, 3);
  CheckState state(config);
  EXPECT_FALSE(state.checked());
  EXPECT_FALSE(state.healthy());
  const CheckState::Change change = state.onResult(kPass);
  EXPECT_TRUE(change.first);
  EXPECT_TRUE(change.became_healthy);
  EXPECT_TRUE(state.healthy());
  CheckState other(config);
  EXPECT_TRUE(other.onResult(kFail).became_unhealthy);
}

TEST(CheckStateTest, ThresholdsCountResultsInARow) {
  const CheckConfig config = thresholds(3, 2);
  EXPECT_EQ(after(config, {kPass, kFail, kFail, kFail}), "PPPF");
  EXPECT_EQ(after(config, {kPass, kFail, kFail, kPass, kFail, kFail, kFail}), "PPPPPPF");
  EXPECT_EQ(after(config, {kFail, kPass, kPass}), "FFP");
  EXPECT_EQ(after(config, {kFail, kPass, kFail, kPass, kPass}), "FFFFP");
  EXPECT_EQ(after(config, {kPass, CheckResult::kTimeout, CheckResult::kConnectFailure, kFail}), "PPPF");
}

TEST(CheckStateTest, AHostThatSaysSoFailsAtOnce) {
  EXPECT_EQ(after(thresholds(5, 1), {kPass, CheckResult::kFailAtOnce, kPass}), "PFP");
}

TEST(CheckStateTest, AChangeIsToldOnce) {
  const CheckConfig config = thresholds(1, 1);
  CheckState state(config);
  EXPECT_TRUE(state.onResult(kPass).became_healthy);
  EXPECT_FALSE(state.onResult(kPass).became_healthy);
  EXPECT_TRUE(state.onResult(kFail).became_unhealthy);
  EXPECT_FALSE(state.onResult(kFail).became_unhealthy);
}

TEST(CheckStateTest, ADegradedHostIsHealthy) {
  const CheckConfig config = thresholds(1, 1);
  CheckState state(config);
  state.onResult(CheckResult::kPassDegraded);
  EXPECT_TRUE(state.healthy());
  EXPECT_TRUE(state.degraded());
  state.onResult(kPass);
  EXPECT_FALSE(state.degraded());
}

TEST(CheckStateTest, IntervalsFollowTheState) {
  CheckConfig config = thresholds(2, 2);
  config.interval = absl::Seconds(10);
  config.no_traffic_interval = absl::Seconds(60);
  config.no_traffic_healthy_interval = absl::Seconds(70);
  config.unhealthy_interval = absl::Seconds(3);
  config.unhealthy_edge_interval = absl::Seconds(1);
  config.healthy_edge_interval = absl::Seconds(2);
  base::Random random(1);
  CheckState state(config);
  state.onResult(kPass);
  EXPECT_EQ(state.nextInterval(true, random), absl::Seconds(10));
  EXPECT_EQ(state.nextInterval(false, random), absl::Seconds(70));
  state.onResult(kFail);
  EXPECT_EQ(state.nextInterval(true, random), absl::Seconds(1)) << "one failure of two";
  state.onResult(kFail);
  EXPECT_EQ(state.nextInterval(true, random), absl::Seconds(3));
  EXPECT_EQ(state.nextInterval(false, random), absl::Seconds(60));
  state.onResult(kPass);
  EXPECT_EQ(state.nextInterval(true, random), absl::Seconds(2)) << "one pass of two";
}

TEST(CheckStateTest, IntervalsThatAreNotGivenAreTheUsualOne) {
  CheckConfig config = thresholds(1, 1);
  config.interval = absl::Seconds(7);
  base::Random random(1);
  CheckState state(config);
  state.onResult(kFail);
  EXPECT_EQ(state.nextInterval(true, random), absl::Seconds(7));
}

TEST(CheckStateTest, JitterIsAddedAndStaysBelowItsBounds) {
  CheckConfig config = thresholds(1, 1);
  config.interval = absl::Seconds(10);
  config.interval_jitter = absl::Seconds(1);
  config.interval_jitter_percent = 50;
  base::Random random(1);
  CheckState state(config);
  state.onResult(kPass);
  absl::Duration least = absl::InfiniteDuration();
  absl::Duration most = absl::ZeroDuration();
  for (int i = 0; i < 10'000; ++i) {
    const absl::Duration interval = state.nextInterval(true, random);
    least = std::min(least, interval);
    most = std::max(most, interval);
  }
  EXPECT_GE(least, absl::Seconds(10));
  EXPECT_LT(least, absl::Milliseconds(10'300));
  EXPECT_LT(most, absl::Seconds(16));
  EXPECT_GT(most, absl::Milliseconds(15'700));
}

}  // namespace
}  // namespace weir::upstream::health
