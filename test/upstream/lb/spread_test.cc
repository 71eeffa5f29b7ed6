#include "source/upstream/lb/spread.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "source/upstream/lb/balancer.h"
#include "test/upstream/lb/statistics.h"

namespace weir::upstream::lb {
namespace {

// Hosts with their keys and metadata, and a balancer over them; slot i is the ith that was added.
class World {
 public:
  World() { options.policy = PolicyKind::kRandom; }

  BalancerHost& add(uint32_t priority, Status status = Status::kHealthy, uint32_t locality = 0,
                    uint32_t locality_weight = 0) {
    BalancerHost& host = hosts.emplace_back();
    host.slot = static_cast<uint32_t>(hosts.size() - 1);
    keys.push_back(std::make_unique<std::string>("10.0.0." + std::to_string(hosts.size()) + ":80"));
    host.key = *keys.back();
    host.priority = priority;
    host.status = status;
    host.locality = locality;
    host.locality_weight = locality_weight;
    return host;
  }
  void addMany(int count, uint32_t priority, Status status, uint32_t locality = 0, uint32_t locality_weight = 0) {
    for (int i = 0; i < count; ++i) add(priority, status, locality, locality_weight);
  }
  void build() {
    balancer = std::make_unique<const Balancer>(hosts, options);
    cursors.assign(balancer->cursors(), 0);
    loads.grow(hosts.size());
  }
  std::optional<uint32_t> pick(std::optional<uint64_t> hash = {}, const PickWish& wish = {}) {
    if (balancer == nullptr) build();
    return balancer->pick({.random = random, .hash = hash, .loads = &loads, .cursors = cursors.data()}, wish);
  }
  // `n` picks, by priority of what was picked.
  std::vector<uint64_t> byPriority(size_t levels, int n, const PickWish& wish = {}) {
    std::vector<uint64_t> out(levels, 0);
    for (int i = 0; i < n; ++i) ++out[hosts[*pick({}, wish)].priority];
    return out;
  }
  std::vector<uint64_t> byLocality(size_t localities, int n) {
    std::vector<uint64_t> out(localities, 0);
    for (int i = 0; i < n; ++i) ++out[hosts[*pick()].locality];
    return out;
  }

  Options options;
  std::vector<BalancerHost> hosts;
  std::vector<std::unique_ptr<std::string>> keys;
  std::unique_ptr<const Balancer> balancer;
  HostLoads loads;
  std::vector<uint64_t> cursors;
  base::Random random{21};
};

// The table of Envoy's "Priority levels" for two levels: 71 % healthy hosts or more of the first get everything (1.4 *
// 71 = 99.4, less than 100: 99 % and 1 %), 50 % get 70 %, none get nothing.
TEST(SpreadTest, LevelsGetWhatTheirHealthIsWorth) {
  World full;
  full.addMany(72, 0, Status::kHealthy);
  full.addMany(28, 0, Status::kUnhealthy);
  full.addMany(100, 1, Status::kHealthy);
  EXPECT_EQ(full.byPriority(2, 1000), (std::vector<uint64_t>{1000, 0}));
  World half;
  half.addMany(50, 0, Status::kHealthy);
  half.addMany(50, 0, Status::kUnhealthy);
  half.addMany(100, 1, Status::kHealthy);
  EXPECT_LT(chiSquare(half.byPriority(2, 50000), {70, 30}), critical(1));
  World none;
  none.addMany(100, 0, Status::kUnhealthy);
  none.addMany(100, 1, Status::kHealthy);
  EXPECT_EQ(none.byPriority(2, 1000), (std::vector<uint64_t>{0, 1000}));
}

// Both levels at 25 %: 35 % each of 70 % available, so half each, and both panic: unhealthy hosts are used too.
TEST(SpreadTest, InAPanicHealthIsDisregarded) {
  World world;
  world.addMany(1, 0, Status::kHealthy);
  world.addMany(3, 0, Status::kUnhealthy);
  world.addMany(1, 1, Status::kHealthy);
  world.addMany(3, 1, Status::kUnhealthy);
  std::vector<uint64_t> seen(8, 0);
  for (int i = 0; i < 80000; ++i) ++seen[*world.pick()];
  EXPECT_LT(chiSquare(seen, {1, 1, 1, 1, 1, 1, 1, 1}), critical(7));
}

TEST(SpreadTest, WithoutThresholdOrWithFailureInAPanicOnlyHealthyHostsAreUsed) {
  World off;
  off.options.panic_threshold = 0;
  off.addMany(1, 0, Status::kHealthy);
  off.addMany(9, 0, Status::kUnhealthy);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(off.pick(), 0u);
  World fails;
  fails.options.fail_in_panic = true;
  fails.addMany(1, 0, Status::kHealthy);
  fails.addMany(9, 0, Status::kUnhealthy);
  EXPECT_EQ(fails.pick(), std::nullopt);
  World nobody;
  nobody.options.panic_threshold = 0;
  nobody.addMany(3, 0, Status::kUnhealthy);
  EXPECT_EQ(nobody.pick(), std::nullopt);
  World empty;
  EXPECT_EQ(empty.pick(), std::nullopt);
}

// Envoy's "Degraded endpoints": healthy hosts first; 25 % healthy give 35 %, the degraded rest all that is left.
TEST(SpreadTest, DegradedHostsGetWhatHealthyOnesCannotTake) {
  World world;
  world.addMany(25, 0, Status::kHealthy);
  world.addMany(75, 0, Status::kDegraded);
  std::vector<uint64_t> seen(2, 0);
  for (int i = 0; i < 50000; ++i) ++seen[world.hosts[*world.pick()].status == Status::kHealthy ? 0 : 1];
  EXPECT_LT(chiSquare(seen, {35, 65}), critical(1));
}

TEST(SpreadTest, ExcludedHostsDoNotCountForTheLevel) {
  World world;
  world.addMany(2, 0, Status::kHealthy);
  for (int i = 0; i < 8; ++i) world.add(0, Status::kUnhealthy).excluded = true;
  world.addMany(2, 1, Status::kHealthy);
  EXPECT_EQ(world.byPriority(2, 1000), (std::vector<uint64_t>{1000, 0}));
}

TEST(SpreadTest, HealthMayBeCountedByWeight) {
  World world;
  world.options.weighted_priority_health = true;
  world.add(0).weight = 30;
  world.add(0, Status::kUnhealthy).weight = 70;
  world.add(1);
  world.options.panic_threshold = 0;
  EXPECT_LT(chiSquare(world.byPriority(2, 50000), {42, 58}), critical(1));
}

// Envoy's "Locality weighted": weights 1 and 2, and the second has half of its hosts: 1 * 100 to 2 * 70.
TEST(SpreadTest, LocalitiesGetTheirWeightAsFarAsTheirHealthGoes) {
  World world;
  world.options.locality_weighted = true;
  world.addMany(10, 0, Status::kHealthy, 0, 1);
  world.addMany(2, 0, Status::kHealthy, 1, 2);
  world.addMany(2, 0, Status::kUnhealthy, 1, 2);
  EXPECT_LT(chiSquare(world.byLocality(2, 50000), {100, 140}), critical(1));
  World plain;  // without weights the hosts count
  plain.options.locality_weighted = true;
  plain.addMany(3, 0, Status::kHealthy, 0);
  plain.addMany(1, 0, Status::kHealthy, 1);
  EXPECT_LT(chiSquare(plain.byLocality(2, 50000), {3, 1}), critical(1));
}

TEST(SpreadTest, ARetryMayHaveOtherLoads) {
  World world;
  world.addMany(4, 0, Status::kHealthy);
  world.addMany(4, 1, Status::kHealthy);
  EXPECT_EQ(world.byPriority(2, 1000), (std::vector<uint64_t>{1000, 0}));
  const std::vector<uint32_t> other = {0, 100};
  EXPECT_EQ(world.byPriority(2, 1000, {.priority_loads = other}), (std::vector<uint64_t>{0, 1000}));
  const std::vector<uint32_t> both = {25, 75};
  EXPECT_LT(chiSquare(world.byPriority(2, 50000, {.priority_loads = both}), {1, 3}), critical(1));
  const std::vector<uint32_t> nothing = {0, 0};
  EXPECT_EQ(world.byPriority(2, 1000, {.priority_loads = nothing}), (std::vector<uint64_t>{1000, 0}));
}

class HashPolicyTest : public testing::TestWithParam<PolicyKind> {};

// The share of requests that move when one of ten hosts leaves is about a tenth.
TEST_P(HashPolicyTest, TheSameHashGoesToTheSameHostAndFewMoveWhenOneLeaves) {
  World world;
  world.options.policy = GetParam();
  world.options.ring.min = 1;  // in a ring kept at a size, those that stay get more points, and more moves
  world.options.panic_threshold = 0;
  world.addMany(10, 0, Status::kHealthy);
  world.build();
  std::vector<uint32_t> before;
  for (uint64_t i = 0; i < 20000; ++i) before.push_back(*world.pick(mixHash(i)));
  for (uint64_t i = 0; i < 100; ++i) EXPECT_EQ(*world.pick(mixHash(i)), before[i]);
  world.hosts[3].status = Status::kUnhealthy;
  world.build();
  int moved = 0, from_others = 0;
  for (uint64_t i = 0; i < 20000; ++i) {
    const uint32_t now = *world.pick(mixHash(i));
    EXPECT_NE(now, 3u);
    moved += now != before[i];
    from_others += now != before[i] && before[i] != 3;
  }
  EXPECT_NEAR(moved, 2000, 700);
  EXPECT_LT(from_others, 500);
}

TEST_P(HashPolicyTest, WithABalanceFactorNoHostHasMuchMoreThanItsShare) {
  World world;
  world.options.policy = GetParam();
  world.options.hash_balance_factor = 125;
  world.addMany(10, 0, Status::kHealthy);
  for (int i = 0; i < 400; ++i) {
    const uint32_t host = *world.pick(7);
    world.loads.begin(host);
    EXPECT_LE(world.loads.outstanding[host], 1 + 1.25 * static_cast<double>(world.loads.total) / 10);
  }
}

INSTANTIATE_TEST_SUITE_P(Policies, HashPolicyTest, testing::Values(PolicyKind::kRingHash, PolicyKind::kMaglev));

TEST(BalancerSubsetTest, RoutesGetTheHostsThatTheyAskFor) {
  World world;
  const Metadata canary = {{"stage", "\"canary\""}}, prod = {{"stage", "\"prod\""}};
  for (int i = 0; i < 6; ++i) world.add(0).metadata = i % 3 == 0 ? &canary : &prod;
  auto subsets = std::make_shared<SubsetIndex::Options>();
  subsets->selectors = {{.keys = {"stage"}}};
  world.options.subsets = subsets;
  const SubsetIndex::Wish wish{Metadata{{"stage", "\"canary\""}}};
  const SubsetIndex::Wish unknown{Metadata{{"stage", "\"dev\""}}};
  world.build();
  std::map<uint32_t, int> seen;
  for (int i = 0; i < 1000; ++i) ++seen[*world.pick({}, {.subset = &wish})];
  EXPECT_EQ(seen.size(), 2u);
  EXPECT_TRUE(seen.contains(0) && seen.contains(3));
  EXPECT_EQ(world.pick({}, {.subset = &unknown}), std::nullopt);
  EXPECT_EQ(world.pick(), std::nullopt);
  subsets = std::make_shared<SubsetIndex::Options>(*subsets);
  subsets->fallback = SubsetIndex::Fallback::kAnyHost;
  world.options.subsets = subsets;
  world.build();
  seen.clear();
  for (int i = 0; i < 1000; ++i) ++seen[*world.pick({}, {.subset = &unknown})];
  EXPECT_EQ(seen.size(), 6u);
  EXPECT_TRUE(world.pick().has_value());
  EXPECT_EQ(world.balancer->subsets(), 2u);
}

TEST(BalancerTest, PickFirstKeepsToOneHostAndItsShuffleIsStable) {
  World world;
  world.options.policy = PolicyKind::kPickFirst;
  world.addMany(10, 0, Status::kHealthy);
  EXPECT_EQ(world.pick(), 0u);
  world.options.shuffle_seed = 5;
  world.build();
  const uint32_t first = *world.pick();
  world.build();
  EXPECT_EQ(*world.pick(), first);
}

}  // namespace
}  // namespace weir::upstream::lb
