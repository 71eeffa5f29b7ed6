#include "source/upstream/lb/balancer.h"

#include <memory>
#include <optional>
#include <vector>

#include "gtest/gtest.h"
#include "source/upstream/lb/round_robin.h"

namespace weir::upstream::lb {
namespace {

// Balances over hosts of these weights; host i has slot i.
struct Picker {
  Picker(PolicyKind policy, const std::vector<uint32_t>& weights, uint64_t seed, uint32_t choices = 2,
         double bias = 1.0)
      : random(seed), loads(weights.size()) {
    options.policy = policy;
    options.choice_count = choices;
    options.active_request_bias = bias;
    for (uint32_t i = 0; i < weights.size(); ++i) hosts.push_back({.slot = i, .weight = weights[i]});
    build();
  }
  void build() {
    balancer = std::make_unique<const Balancer>(hosts, options);
    cursors.resize(balancer->cursors());
    for (uint64_t& cursor : cursors) cursor = random.next() >> 1;
  }
  std::optional<uint32_t> pick() {
    return balancer->pick({.random = random, .loads = &loads, .cursors = cursors.data()}, {});
  }
  // Picks `n` times and counts by host.
  std::vector<uint64_t> pickMany(size_t n) {
    std::vector<uint64_t> counts(hosts.size(), 0);
    for (size_t i = 0; i < n; ++i) ++counts[*pick()];
    return counts;
  }

  base::Random random;
  Options options;
  std::vector<BalancerHost> hosts;
  HostLoads loads;
  std::vector<uint64_t> cursors;
  std::unique_ptr<const Balancer> balancer;
};

// Pearson's statistic: the sum over hosts of (seen - expected)^2 / expected, with hosts - 1 degrees of freedom.
double chiSquare(const std::vector<uint64_t>& seen, const std::vector<uint32_t>& weights) {
  double total = 0, sum = 0, result = 0;
  for (const uint64_t count : seen) total += static_cast<double>(count);
  for (const uint32_t weight : weights) sum += weight;
  for (size_t i = 0; i < seen.size(); ++i) {
    const double expected = total * weights[i] / sum;
    const double difference = static_cast<double>(seen[i]) - expected;
    result += difference * difference / expected;
  }
  return result;
}

// Upper 0.1 % points of the distribution for 1 to 7 degrees of freedom: a right balancer is above it once in a
// thousand seeds, and the seeds here are fixed.
constexpr double kCritical[] = {0, 10.83, 13.82, 16.27, 18.47, 20.52, 22.46, 24.32};

TEST(BalancerTest, RoundRobinGivesEachHostItsExactShareOfEveryRound) {
  for (uint64_t seed = 1; seed < 20; ++seed) {
    Picker picker(PolicyKind::kRoundRobin, {5, 1, 3}, seed);
    for (int round = 0; round < 3; ++round) {
      EXPECT_EQ(picker.pickMany(9), (std::vector<uint64_t>{5, 1, 3})) << "seed " << seed;
    }
  }
}

TEST(BalancerTest, RoundRobinSpreadsTheTurnsOfAHeavyHost) {
  Picker picker(PolicyKind::kRoundRobin, {6, 2, 1}, 3);
  size_t run = 0, longest = 0;
  for (int i = 0; i < 90; ++i) {
    run = *picker.pick() == 0 ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  EXPECT_LE(longest, 3u);
}

TEST(BalancerTest, RoundRobinDividesWeightsByWhatTheyHaveInCommon) {
  Picker picker(PolicyKind::kRoundRobin, {3'000'000'000, 1'000'000'000}, 1);
  EXPECT_EQ(picker.pickMany(4), (std::vector<uint64_t>{3, 1}));
}

TEST(BalancerTest, RoundRobinScalesWeightsThatMakeARoundTooLong) {
  Picker picker(PolicyKind::kRoundRobin, {4'294'967'295, 2'147'483'646, 1}, 1);
  const std::vector<uint64_t> counts = picker.pickMany(RoundRobin::kMaxRound);
  EXPECT_NEAR(static_cast<double>(counts[0]), 2.0 * static_cast<double>(counts[1]), 4);
  EXPECT_EQ(counts[2], 1u);
}

TEST(BalancerTest, RoundRobinBeginsAnywhere) {
  std::vector<uint64_t> first(4, 0);
  Picker picker(PolicyKind::kRoundRobin, {1, 1, 1, 1}, 7);
  for (int i = 0; i < 4000; ++i) {
    picker.build();
    ++first[*picker.pick()];
  }
  EXPECT_LT(chiSquare(first, {1, 1, 1, 1}), kCritical[3]);
}

TEST(BalancerTest, RandomFollowsTheWeights) {
  const std::vector<std::vector<uint32_t>> tables = {
      {1, 1}, {1, 2, 3, 4}, {100, 1, 1, 1, 1}, {7, 7, 7, 1, 9, 2, 2, 40}};
  for (const std::vector<uint32_t>& weights : tables) {
    Picker picker(PolicyKind::kRandom, weights, 11);
    EXPECT_LT(chiSquare(picker.pickMany(100'000), weights), kCritical[weights.size() - 1]);
  }
}

TEST(BalancerTest, LeastRequestFollowsTheWeightsWhileNothingIsUnderWay) {
  Picker picker(PolicyKind::kLeastRequest, {1, 2, 5}, 5);
  EXPECT_LT(chiSquare(picker.pickMany(100'000), {1, 2, 5}), kCritical[2]);
}

TEST(BalancerTest, LeastRequestOfTwoChoicesAvoidsTheBusyHost) {
  Picker picker(PolicyKind::kLeastRequest, {1, 1, 1, 1}, 5);
  picker.loads.outstanding[0] = 10;
  // The busy one is taken only when both draws hit it: 1/16. The others share the rest evenly.
  EXPECT_LT(chiSquare(picker.pickMany(160'000), {1, 5, 5, 5}), kCritical[3]);
}

TEST(BalancerTest, LeastRequestKeepsLoadsInProportionToWeights) {
  Picker picker(PolicyKind::kLeastRequest, {1, 3}, 9);
  for (int i = 0; i < 4000; ++i) picker.loads.begin(*picker.pick());
  EXPECT_NEAR(picker.loads.outstanding[1] / static_cast<double>(picker.loads.outstanding[0]), 3.0, 0.15);
}

TEST(BalancerTest, MoreChoicesAvoidTheBusyHostMore) {
  Picker picker(PolicyKind::kLeastRequest, {1, 1, 1, 1}, 5, 4);
  picker.loads.outstanding[0] = 10;
  // All four draws hit it: 1/256.
  EXPECT_LT(chiSquare(picker.pickMany(256'000), {1, 85, 85, 85}), kCritical[3]);
}

TEST(BalancerTest, TheBiasSaysHowMuchWhatIsUnderWayCounts) {
  Picker none(PolicyKind::kLeastRequest, {1, 1, 1, 1}, 6, 2, 0.0);
  none.loads.outstanding[0] = 10;
  EXPECT_LT(chiSquare(none.pickMany(100'000), {1, 1, 1, 1}), kCritical[3]);
  // Half of the picks compare (1/16 for the busy one), half do not (1/4): 5/32.
  Picker half(PolicyKind::kLeastRequest, {1, 1, 1, 1}, 6, 2, 0.5);
  half.loads.outstanding[0] = 10;
  EXPECT_LT(chiSquare(half.pickMany(160'000), {5, 9, 9, 9}), kCritical[3]);
  Picker twice(PolicyKind::kLeastRequest, {1, 1, 1, 1}, 6, 2, 2.0);
  twice.loads.outstanding[0] = 10;
  EXPECT_LT(chiSquare(twice.pickMany(256'000), {1, 85, 85, 85}), kCritical[3]);
}

class EveryPolicyTest : public testing::TestWithParam<PolicyKind> {};

TEST_P(EveryPolicyTest, PicksHealthyHostsOnly) {
  Picker picker(GetParam(), {50, 1, 50}, 2);
  picker.options.panic_threshold = 0;
  picker.hosts[0].status = Status::kUnhealthy;
  picker.hosts[2].status = Status::kUnhealthy;
  picker.build();
  EXPECT_EQ(picker.pickMany(1000), (std::vector<uint64_t>{0, 1000, 0}));
}

TEST_P(EveryPolicyTest, PicksNothingWhenNoHostIsHealthy) {
  Picker picker(GetParam(), {1, 1}, 2);
  picker.options.panic_threshold = 0;
  for (BalancerHost& host : picker.hosts) host.status = Status::kUnhealthy;
  picker.build();
  EXPECT_EQ(picker.pick(), std::nullopt);
  picker.hosts.clear();
  picker.build();
  EXPECT_EQ(picker.pick(), std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(Policies, EveryPolicyTest,
                         testing::Values(PolicyKind::kRoundRobin, PolicyKind::kLeastRequest, PolicyKind::kRandom));

}  // namespace
}  // namespace weir::upstream::lb
