#include "source/upstream/load_balancer.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace weir::upstream {
namespace {

ClusterConfig configOf(LbPolicy policy, const std::vector<uint32_t>& weights) {
  ClusterConfig config;
  config.lb_policy = policy;
  for (const uint32_t weight : weights) {
    Host host;
    host.weight = weight;
    config.hosts.push_back(host);
  }
  return config;
}

// Picks `n` times and counts by host.
std::vector<uint64_t> pickMany(LoadBalancer& balancer, base::Random& random, size_t hosts, size_t n) {
  std::vector<uint64_t> counts(hosts, 0);
  for (size_t i = 0; i < n; ++i) ++counts[*balancer.pick(random)];
  return counts;
}

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

TEST(LoadBalancerTest, RoundRobinGivesEachHostItsExactShareOfEveryRound) {
  const std::vector<uint32_t> weights = {5, 1, 3};
  const ClusterConfig config = configOf(LbPolicy::kRoundRobin, weights);
  const std::vector<uint32_t> idle(weights.size(), 0);
  for (uint64_t seed = 1; seed < 20; ++seed) {
    base::Random random(seed);
    const auto balancer = makeLoadBalancer(config, idle, random);
    for (int round = 0; round < 3; ++round) {
      EXPECT_EQ(pickMany(*balancer, random, 3, 9), (std::vector<uint64_t>{5, 1, 3})) << "seed " << seed;
    }
  }
}

TEST(LoadBalancerTest, RoundRobinSpreadsTheTurnsOfAHeavyHost) {
  const ClusterConfig config = configOf(LbPolicy::kRoundRobin, {6, 2, 1});
  const std::vector<uint32_t> idle(3, 0);
  base::Random random(3);
  const auto balancer = makeLoadBalancer(config, idle, random);
  size_t run = 0, longest = 0;
  for (int i = 0; i < 90; ++i) {
    run = *balancer->pick(random) == 0 ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  EXPECT_LE(longest, 3u);
}

TEST(LoadBalancerTest, RoundRobinDividesWeightsByWhatTheyHaveInCommon) {
  const ClusterConfig config = configOf(LbPolicy::kRoundRobin, {3'000'000'000, 1'000'000'000});
  const std::vector<uint32_t> idle(2, 0);
  base::Random random(1);
  const auto balancer = makeLoadBalancer(config, idle, random);
  EXPECT_EQ(pickMany(*balancer, random, 2, 4), (std::vector<uint64_t>{3, 1}));
}

TEST(LoadBalancerTest, RoundRobinScalesWeightsThatMakeARoundTooLong) {
  const ClusterConfig config = configOf(LbPolicy::kRoundRobin, {4'294'967'295, 2'147'483'646, 1});
  const std::vector<uint32_t> idle(3, 0);
  base::Random random(1);
  const auto balancer = makeLoadBalancer(config, idle, random);
  const std::vector<uint64_t> counts = pickMany(*balancer, random, 3, LoadBalancer::kMaxRound);
  EXPECT_NEAR(static_cast<double>(counts[0]), 2.0 * static_cast<double>(counts[1]), 4);
  EXPECT_EQ(counts[2], 1u);
}

TEST(LoadBalancerTest, RoundRobinBeginsAnywhere) {
  const ClusterConfig config = configOf(LbPolicy::kRoundRobin, {1, 1, 1, 1});
  const std::vector<uint32_t> idle(4, 0);
  std::vector<uint64_t> first(4, 0);
  base::Random random(7);
  for (int i = 0; i < 4000; ++i) ++first[*makeLoadBalancer(config, idle, random)->pick(random)];
  EXPECT_LT(chiSquare(first, {1, 1, 1, 1}), kCritical[3]);
}

TEST(LoadBalancerTest, RandomFollowsTheWeights) {
  const std::vector<std::vector<uint32_t>> tables = {
      {1, 1}, {1, 2, 3, 4}, {100, 1, 1, 1, 1}, {7, 7, 7, 1, 9, 2, 2, 40}};
  for (const std::vector<uint32_t>& weights : tables) {
    const ClusterConfig config = configOf(LbPolicy::kRandom, weights);
    const std::vector<uint32_t> idle(weights.size(), 0);
    base::Random random(11);
    const auto balancer = makeLoadBalancer(config, idle, random);
    EXPECT_LT(chiSquare(pickMany(*balancer, random, weights.size(), 100'000), weights), kCritical[weights.size() - 1]);
  }
}

TEST(LoadBalancerTest, LeastRequestFollowsTheWeightsWhileNothingIsUnderWay) {
  const std::vector<uint32_t> weights = {1, 2, 5};
  const ClusterConfig config = configOf(LbPolicy::kLeastRequest, weights);
  const std::vector<uint32_t> idle(3, 0);
  base::Random random(5);
  const auto balancer = makeLoadBalancer(config, idle, random);
  EXPECT_LT(chiSquare(pickMany(*balancer, random, 3, 100'000), weights), kCritical[2]);
}

TEST(LoadBalancerTest, LeastRequestOfTwoChoicesAvoidsTheBusyHost) {
  const ClusterConfig config = configOf(LbPolicy::kLeastRequest, {1, 1, 1, 1});
  const std::vector<uint32_t> outstanding = {10, 0, 0, 0};
  base::Random random(5);
  const auto balancer = makeLoadBalancer(config, outstanding, random);
  const std::vector<uint64_t> counts = pickMany(*balancer, random, 4, 160'000);
  // The busy one is taken only when both draws hit it: 1/16. The others share the rest evenly.
  EXPECT_LT(chiSquare(counts, {1, 5, 5, 5}), kCritical[3]);
}

TEST(LoadBalancerTest, LeastRequestKeepsLoadsInProportionToWeights) {
  const ClusterConfig config = configOf(LbPolicy::kLeastRequest, {1, 3});
  std::vector<uint32_t> outstanding(2, 0);
  base::Random random(9);
  const auto balancer = makeLoadBalancer(config, outstanding, random);
  for (int i = 0; i < 4000; ++i) ++outstanding[*balancer->pick(random)];
  EXPECT_NEAR(outstanding[1] / static_cast<double>(outstanding[0]), 3.0, 0.15);
}

TEST(LoadBalancerTest, MoreChoicesAvoidTheBusyHostMore) {
  ClusterConfig config = configOf(LbPolicy::kLeastRequest, {1, 1, 1, 1});
  config.choice_count = 4;
  const std::vector<uint32_t> outstanding = {10, 0, 0, 0};
  base::Random random(5);
  const auto balancer = makeLoadBalancer(config, outstanding, random);
  // All four draws hit it: 1/256.
  EXPECT_LT(chiSquare(pickMany(*balancer, random, 4, 256'000), {1, 85, 85, 85}), kCritical[3]);
}

class EveryPolicyTest : public testing::TestWithParam<LbPolicy> {};

TEST_P(EveryPolicyTest, PicksHealthyHostsOnly) {
  ClusterConfig config = configOf(GetParam(), {50, 1, 50});
  config.hosts[0].health = HostHealth::kUnhealthy;
  config.hosts[2].health = HostHealth::kDraining;
  const std::vector<uint32_t> idle(3, 0);
  base::Random random(2);
  const auto balancer = makeLoadBalancer(config, idle, random);
  EXPECT_EQ(pickMany(*balancer, random, 3, 1000), (std::vector<uint64_t>{0, 1000, 0}));
}

TEST_P(EveryPolicyTest, PicksNothingWhenNoHostIsHealthy) {
  ClusterConfig config = configOf(GetParam(), {1, 1});
  for (Host& host : config.hosts) host.health = HostHealth::kUnhealthy;
  const std::vector<uint32_t> idle(2, 0);
  base::Random random(2);
  EXPECT_EQ(makeLoadBalancer(config, idle, random)->pick(random), std::nullopt);
  const ClusterConfig none = configOf(GetParam(), {});
  EXPECT_EQ(makeLoadBalancer(none, idle, random)->pick(random), std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(Policies, EveryPolicyTest,
                         testing::Values(LbPolicy::kRoundRobin, LbPolicy::kLeastRequest, LbPolicy::kRandom));

}  // namespace
}  // namespace weir::upstream
