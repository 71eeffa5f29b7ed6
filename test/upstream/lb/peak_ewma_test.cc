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
  return std::exp2(estimates.log2At(host, estimates.fadedAt(kStart + after))) / 1e6;
}

TEST(LatencyEstimatesTest, AnswersByTheAverageThatJumpsToPeaks) {
  LatencyEstimates estimates(2, kStart, {.decay = absl::Seconds(10), .initial = absl::Milliseconds(30)});
  EXPECT_NEAR(milliseconds(estimates, 0, absl::ZeroDuration()), 30, 1e-9);
  estimates.succeeded(0, absl::Milliseconds(100), kStart);  // a peak: at once
  EXPECT_NEAR(milliseconds(estimates, 0, absl::ZeroDuration()), 100, 1e-9);
  // 10 s later e^-1 of it is left, and the rest is the new observation.
  estimates.succeeded(0, absl::Milliseconds(10), kStart + absl::Seconds(10));
  const double e = std::exp(-1.0);
  EXPECT_NEAR(milliseconds(estimates, 0, absl::Seconds(10)), 100 * e + 10 * (1 - e), 1e-9);
  EXPECT_NEAR(milliseconds(estimates, 1, absl::ZeroDuration()), 30, 1e-9);
}

TEST(LatencyEstimatesTest, ForgivesWithTimeButNeverToZero) {
  LatencyEstimates estimates(1, kStart, {.decay = absl::Seconds(10)});
  estimates.succeeded(0, absl::Seconds(2), kStart);
  EXPECT_NEAR(milliseconds(estimates, 0, absl::Seconds(20)), 2000 * std::exp(-2.0), 1e-6);
  EXPECT_DOUBLE_EQ(estimates.log2At(0, estimates.fadedAt(kStart + absl::Hours(1000))), 0);
}

TEST(LatencyEstimatesTest, AFailureIsASlowAnswer) {
  LatencyEstimates estimates(1, kStart, {.failure_penalty = absl::Seconds(3)});
  estimates.failed(0, kStart);
  EXPECT_NEAR(milliseconds(estimates, 0, absl::ZeroDuration()), 3000, 1e-9);
}

// Uptimes of years leave enough digits for differences.
TEST(LatencyEstimatesTest, ForgivesAlikeAfterALongTime) {
  const base::MonotonicTime late = kStart + absl::Hours(24 * 365 * 20);
  LatencyEstimates estimates(1, kStart, {.decay = absl::Milliseconds(100)});
  estimates.succeeded(0, absl::Seconds(2), late);
  const double faded = estimates.fadedAt(late + absl::Milliseconds(200));
  EXPECT_NEAR(std::exp2(estimates.log2At(0, faded)), 2e9 * std::exp(-2.0), 2e4);
}

TEST(LatencyEstimatesTest, TheQuickPowerIsOffByLessThanSixMillionths) {
  for (double x = -900; x < 900; x += 0.0137) EXPECT_NEAR(quickExp2(x) / std::exp2(x), 1.0, 6e-6);
  EXPECT_EQ(quickExp2(0), 1.0);
  EXPECT_EQ(quickExp2(1e9), std::exp2(1000.0));
  EXPECT_EQ(quickExp2(-1e9), std::exp2(-1000.0));
}

// The same order of hosts as by latencies times one more than what is under way.
TEST(PeakEwmaTest, ComparesAsTheRuleSays) {
  base::Random random(3);
  LatencyEstimates estimates(2, kStart, {});
  PeakEwma policy(candidates({1, 1}));
  for (int i = 0; i < 2000; ++i) {
    const auto when = kStart + absl::Seconds(i);
    for (uint32_t host = 0; host < 2; ++host) {
      estimates.succeeded(host, absl::Microseconds(static_cast<int64_t>(random.below(1'000'000))), when);
    }
    const base::MonotonicTime now = when + absl::Milliseconds(static_cast<int64_t>(random.below(100'000)));
    HostLoads loads(2);
    for (uint64_t n = random.below(5); n > 0; --n) loads.begin(0);
    for (uint64_t n = random.below(5); n > 0; --n) loads.begin(1);
    const auto cost = [&](uint32_t host) {
      return std::exp2(estimates.log2At(host, estimates.fadedAt(now))) * (1.0 + loads.outstanding[host]);
    };
    if (std::abs(cost(0) / cost(1) - 1.0) < 1e-5) continue;
    const uint32_t worse = cost(0) < cost(1) ? 1 : 0;
    uint64_t seen = 0;  // only when both draws say so: one of four
    for (int pick = 0; pick < 64; ++pick) {
      seen += *policy.pick({.random = random, .now = now, .loads = &loads, .latencies = &estimates}) == worse;
    }
    ASSERT_LT(seen, 40u) << i;
  }
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
