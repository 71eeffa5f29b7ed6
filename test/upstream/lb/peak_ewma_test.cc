#include "source/upstream/lb/peak_ewma.h"

#include <cmath>
#include <vector>

#include "gtest/gtest.h"
#include "test/upstream/lb/hosts.h"
#include "test/upstream/lb/statistics.h"

namespace weir::upstream::lb {
namespace {

constexpr base::MonotonicTime kStart{1'000'000'000};

double milliseconds(const LatencyEstimates& estimates, uint32_t host, absl::Duration after) {
  return estimates.at(host, kStart + after) / 1e6;
}

TEST(LatencyEstimatesTest, AnswersByTheAverageThatJumpsToPeaks) {
  LatencyEstimates estimates(2, kStart, {.decay = absl::Seconds(10), .initial = absl::Milliseconds(30)});
  EXPECT_DOUBLE_EQ(milliseconds(estimates, 0, absl::ZeroDuration()), 30);
  estimates.succeeded(0, absl::Milliseconds(100), kStart);  // a peak: at once
  EXPECT_DOUBLE_EQ(milliseconds(estimates, 0, absl::ZeroDuration()), 100);
  // 10 s later e^-1 of it is left, and the rest is the new observation.
  estimates.succeeded(0, absl::Milliseconds(10), kStart + absl::Seconds(10));
  const double e = std::exp(-1.0);
  EXPECT_NEAR(milliseconds(estimates, 0, absl::Seconds(10)), 100 * e + 10 * (1 - e), 1e-9);
  EXPECT_DOUBLE_EQ(milliseconds(estimates, 1, absl::ZeroDuration()), 30);
}

TEST(LatencyEstimatesTest, ForgivesWithTimeButNeverToZero) {
  LatencyEstimates estimates(1, kStart, {.decay = absl::Seconds(10)});
  estimates.succeeded(0, absl::Seconds(2), kStart);
  EXPECT_NEAR(milliseconds(estimates, 0, absl::Seconds(20)), 2000 * std::exp(-2.0), 1e-6);
  EXPECT_DOUBLE_EQ(estimates.at(0, kStart + absl::Hours(1000)), 1);
  EXPECT_NEAR(milliseconds(estimates, 0, absl::Seconds(-1)), 2000, 1e-6);  // a clock that seems to go back
}

TEST(LatencyEstimatesTest, AFailureIsASlowAnswer) {
  LatencyEstimates estimates(1, kStart, {.failure_penalty = absl::Seconds(3)});
  estimates.failed(0, kStart);
  EXPECT_DOUBLE_EQ(milliseconds(estimates, 0, absl::ZeroDuration()), 3000);
}

TEST(PeakEwmaTest, AnIdleClusterGetsTrafficByWeight) {
  const std::vector<uint32_t> weights = {5, 1, 3, 1};
  LatencyEstimates estimates(4, kStart, {});
  HostLoads loads(4);
  PeakEwma policy(candidates(weights));
  base::Random random(11);
  std::vector<uint64_t> seen(4, 0);
  for (int i = 0; i < 50000; ++i)
    ++seen[*policy.pick({.random = random, .now = kStart, .loads = &loads, .latencies = &estimates})];
  EXPECT_LT(chiSquare(seen, {5, 1, 3, 1}), critical(3));
}

// Two distinct hosts are drawn in 3 of 4 picks; the slow one is chosen only when it is drawn twice: 1 of 16.
TEST(PeakEwmaTest, ASlowHostIsPickedOnlyAgainstItself) {
  LatencyEstimates estimates(4, kStart, {});
  estimates.succeeded(2, absl::Milliseconds(500), kStart);
  HostLoads loads(4);
  PeakEwma policy(candidates({1, 1, 1, 1}));
  base::Random random(12);
  std::vector<uint64_t> seen(4, 0);
  for (int i = 0; i < 50000; ++i)
    ++seen[*policy.pick({.random = random, .now = kStart, .loads = &loads, .latencies = &estimates})];
  EXPECT_LT(chiSquare(seen, {5, 5, 1, 5}), critical(3));
}

TEST(PeakEwmaTest, WhatIsUnderWayCountsForTheWeight) {
  LatencyEstimates estimates(2, kStart, {});
  HostLoads loads(2);
  PeakEwma policy(candidates({3, 1}));
  for (int i = 0; i < 3; ++i) loads.begin(0);
  loads.begin(1);  // balanced: 3 to 3, 1 to 1, so that whichever is drawn first stays
  base::Random random(13);
  std::vector<uint64_t> seen(2, 0);
  for (int i = 0; i < 20000; ++i)
    ++seen[*policy.pick({.random = random, .now = kStart, .loads = &loads, .latencies = &estimates})];
  EXPECT_LT(chiSquare(seen, {3, 1}), critical(2));
  loads.begin(0);
  seen = {0, 0};
  for (int i = 0; i < 20000; ++i)
    ++seen[*policy.pick({.random = random, .now = kStart, .loads = &loads, .latencies = &estimates})];
  EXPECT_LT(chiSquare(seen, {9, 7}), critical(2));  // the first host only when it is drawn twice
}

// 50 requests at a time over ten hosts of which one takes ten times as long. In balance a fast host has about ten times
// the requests of the slow one.
TEST(PeakEwmaTest, ThroughputFollowsLatency) {
  constexpr size_t kHosts = 10;
  LatencyEstimates estimates(kHosts, kStart, {});
  HostLoads loads(kHosts);
  PeakEwma policy(candidates(std::vector<uint32_t>(kHosts, 1)));
  base::Random random(14);
  struct Request {
    uint32_t host;
    int64_t begun, ends;
  };
  std::vector<Request> under_way;
  std::vector<uint64_t> seen(kHosts, 0);
  for (int64_t ms = 0; ms < 20000; ++ms) {
    const base::MonotonicTime now = kStart + absl::Milliseconds(ms);
    for (size_t i = 0; i < under_way.size();) {
      const Request request = under_way[i];
      if (request.ends > ms) {
        ++i;
        continue;
      }
      loads.end(request.host);
      estimates.succeeded(request.host, absl::Milliseconds(ms - request.begun), now);
      under_way[i] = under_way.back();
      under_way.pop_back();
    }
    while (under_way.size() < 50) {
      const uint32_t host = *policy.pick({.random = random, .now = now, .loads = &loads, .latencies = &estimates});
      loads.begin(host);
      ++seen[host];
      under_way.push_back({host, ms, ms + (host == 0 ? 100 : 10)});
    }
  }
  double fast = 0;
  for (size_t i = 1; i < kHosts; ++i) fast += static_cast<double>(seen[i]) / (kHosts - 1);
  EXPECT_LT(static_cast<double>(seen[0]), fast / 5);
  EXPECT_GT(seen[0], 0u);
}

TEST(PeakEwmaTest, HasNoHostWithoutCandidates) {
  LatencyEstimates estimates(1, kStart, {});
  HostLoads loads(1);
  base::Random random(1);
  EXPECT_FALSE(
      PeakEwma({}).pick({.random = random, .now = kStart, .loads = &loads, .latencies = &estimates}).has_value());
}

}  // namespace
}  // namespace weir::upstream::lb
