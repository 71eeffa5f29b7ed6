#include "source/upstream/lb/bounded_load.h"

#include <deque>
#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "source/upstream/lb/maglev.h"
#include "test/upstream/lb/hosts.h"

namespace weir::upstream::lb {
namespace {

std::unique_ptr<Policy> maglev(const std::vector<uint32_t>& weights) {
  return std::make_unique<Maglev>(std::make_shared<const MaglevTable>(keyed(weights), 251));
}

TEST(BoundedLoadTest, IsTheInnerPolicyWhileNobodyHasTooMuch) {
  const std::vector<uint32_t> weights(10, 1);
  HostLoads loads(10);
  BoundedLoad policy(maglev(weights), candidates(weights), 150);
  const auto inner = maglev(weights);
  base::Random random(1);
  for (uint64_t i = 0; i < 1000; ++i) {
    const uint64_t hash = mixHash(i);
    EXPECT_EQ(policy.pick({.random = random, .hash = hash, .loads = &loads}),
              inner->pick({.random = random, .hash = hash}));
  }
}

TEST(BoundedLoadTest, CapacityIsTheShareTimesTheFactorRoundedUp) {
  const std::vector<uint32_t> weights = {1, 3};
  HostLoads loads(2);
  BoundedLoad policy(maglev(weights), candidates(weights), 125);
  EXPECT_EQ(policy.capacity(0, loads), 1u);
  EXPECT_EQ(policy.capacity(1, loads), 1u);
  for (int i = 0; i < 99; ++i) loads.begin(1);
  EXPECT_EQ(policy.capacity(0, loads), 32u);  // of 100: 31.25
  EXPECT_EQ(policy.capacity(1, loads), 94u);  // 93.75
}

// One key gets half of all requests: without a bound its host would have half of them under way.
TEST(BoundedLoadTest, NoHostEverHasMoreThanItsCapacity) {
  for (const uint32_t factor : {100u, 110u, 125u, 200u}) {
    std::vector<uint32_t> weights(20, 2);
    weights[3] = 1;
    weights[4] = 8;
    HostLoads loads(weights.size());
    BoundedLoad policy(maglev(weights), candidates(weights), factor);
    base::Random random(factor);
    std::deque<uint32_t> under_way;
    for (int i = 0; i < 20000; ++i) {
      const uint64_t hash = random.below(2) == 0 ? 99 : random.next();
      const uint32_t host = *policy.pick({.random = random, .hash = hash, .loads = &loads});
      ASSERT_LT(loads.outstanding[host], policy.capacity(host, loads)) << "factor " << factor << ", pick " << i;
      loads.begin(host);
      under_way.push_back(host);
      if (under_way.size() > 300) {
        loads.end(under_way.front());
        under_way.pop_front();
      }
    }
  }
}

TEST(BoundedLoadTest, JumpsTheSameWayForAHashAndComesBack) {
  const std::vector<uint32_t> weights(10, 1);
  HostLoads loads(10);
  BoundedLoad policy(maglev(weights), candidates(weights), 150);
  base::Random random(1);
  const uint32_t home = *policy.pick({.random = random, .hash = 7, .loads = &loads});
  while (loads.outstanding[home] < policy.capacity(home, loads)) loads.begin(home);
  const uint32_t away = *policy.pick({.random = random, .hash = 7, .loads = &loads});
  EXPECT_NE(away, home);
  EXPECT_EQ(*policy.pick({.random = random, .hash = 7, .loads = &loads}), away);
  while (loads.outstanding[home] > 0) loads.end(home);
  EXPECT_EQ(*policy.pick({.random = random, .hash = 7, .loads = &loads}), home);
}

TEST(BoundedLoadTest, StillPicksWhenRequestsToHostsThatLeftAreUnderWay) {
  HostLoads loads(3);
  BoundedLoad policy(maglev({1, 1}), candidates({1, 1}), 100);
  for (int i = 0; i < 10; ++i) loads.begin(2);
  base::Random random(1);
  for (int i = 0; i < 100; ++i) {
    const uint32_t host = *policy.pick({.random = random, .loads = &loads});
    EXPECT_LT(host, 2u);
    loads.begin(host);
  }
  BoundedLoad nobody(maglev({}), {}, 100);
  EXPECT_FALSE(nobody.pick({.random = random, .loads = &loads}).has_value());
}

}  // namespace
}  // namespace weir::upstream::lb
