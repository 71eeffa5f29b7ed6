#include "source/upstream/lb/ring_hash.h"

#include <algorithm>
#include <memory>
#include <set>
#include <vector>

#include "gtest/gtest.h"
#include "test/upstream/lb/hosts.h"
#include "test/upstream/lb/statistics.h"

namespace weir::upstream::lb {
namespace {

constexpr int kKeys = 100000;

std::vector<uint32_t> owners(const HashRing& ring) {
  std::vector<uint32_t> out;
  for (int i = 0; i < kKeys; ++i) out.push_back(*ring.find(stableHash("user-" + std::to_string(i))));
  return out;
}

std::vector<uint64_t> countByHost(const std::vector<uint32_t>& owners, size_t hosts) {
  std::vector<uint64_t> out(hosts, 0);
  for (const uint32_t owner : owners) ++out[owner];
  return out;
}

TEST(RingHashTest, HasNoHostWithoutCandidates) { EXPECT_FALSE(HashRing({}, {}).find(1).has_value()); }

TEST(RingHashTest, GivesEveryHashToTheOwnerOfTheNextPoint) {
  // Found by the index or by looking at all points, the owner is the same: ends of the number line included.
  const HashRing ring(keyed({1, 1, 1}), {.min = 64, .max = 64});
  EXPECT_EQ(ring.find(0), ring.find(0));
  uint64_t changes = 0;
  std::optional<uint32_t> last;
  const uint64_t steps = 1 << 20;
  for (uint64_t i = 0; i < steps; ++i) {
    const std::optional<uint32_t> owner = ring.find(i << 44);
    ASSERT_TRUE(owner.has_value());
    changes += last.has_value() && owner != last;
    last = owner;
  }
  EXPECT_EQ(ring.find(UINT64_MAX), ring.find(0));  // the ring is closed: no point is so high
  EXPECT_LE(changes, ring.points());
  EXPECT_GT(changes, ring.points() / 3);
}

// The share of a host is the sum of `points` intervals, each with a deviation as large as itself: it is off by
// 1 / sqrt(points) of itself. The squares of the hosts' deviations in units of that add up to chi-square.
TEST(RingHashTest, SharesFollowWeightsAsCloselyAsItsPointsAllow) {
  const std::vector<uint32_t> weights = {1, 2, 3, 4, 1, 1, 2, 2, 3, 1};
  const HashRing ring(keyed(weights), {.min = 4096});
  const std::vector<uint64_t> seen = countByHost(owners(ring), weights.size());
  double chi = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    const double share = weights[i] / 20.0;
    const double points = share * 4096;
    const double off = (static_cast<double>(seen[i]) / kKeys - share) / share;
    chi += off * off / (1 / points + 1 / (share * kKeys));
  }
  EXPECT_LT(chi, critical(weights.size() - 1));
}

TEST(RingHashTest, AtMostTwoInNKeysMoveOnAverageWhenAHostLeaves) {
  for (const size_t n : {5, 20, 103}) {
    const std::vector<KeyedCandidate> hosts = keyed(std::vector<uint32_t>(n, 1));
    const std::vector<uint32_t> before = owners(HashRing(hosts, {}));
    const std::vector<uint64_t> counts = countByHost(before, n);
    double moved_sum = 0;
    const size_t trials = std::min<size_t>(n, 20);
    for (size_t gone = 0; gone < trials; ++gone) {
      const std::vector<uint32_t> after = owners(HashRing(without(hosts, gone), {}));
      uint64_t moved = 0;
      for (int i = 0; i < kKeys; ++i) moved += before[i] != after[i];
      EXPECT_GE(moved, counts[gone]);
      // Of the others' keys: none from 26 hosts on, and about 1/n below.
      EXPECT_LE(moved - counts[gone], n > 26 ? 0u : 3u * kKeys / (2 * n)) << n << " hosts, without " << gone;
      moved_sum += static_cast<double>(moved) / kKeys;
    }
    EXPECT_LE(moved_sum / static_cast<double>(trials), 2.0 / static_cast<double>(n)) << n << " hosts";
  }
}

TEST(RingHashTest, DoesNotDependOnTheOrderOfTheHosts) {
  std::vector<KeyedCandidate> hosts = keyed({1, 2, 3, 4, 5});
  const std::vector<uint32_t> before = owners(HashRing(hosts, {}));
  std::reverse(hosts.begin(), hosts.end());
  EXPECT_EQ(owners(HashRing(hosts, {})), before);
}

TEST(RingHashTest, KeepsItsSizeBetweenTheBounds) {
  EXPECT_NEAR(static_cast<double>(HashRing(keyed(std::vector<uint32_t>(10, 1)), {.min = 1024}).points()), 1024, 10);
  EXPECT_EQ(HashRing(keyed(std::vector<uint32_t>(100, 1)), {.min = 1024}).points(), 4000u);  // 40 for each
  EXPECT_NEAR(static_cast<double>(HashRing(keyed({1}), {.min = 1024}).points()), 1024, 1);
  // The light host wants one point, so the heavy one would have 100,000.
  EXPECT_NEAR(static_cast<double>(HashRing(keyed({1, 100000}), {.min = 16}).points()), 100001, 2);
  EXPECT_NEAR(static_cast<double>(HashRing(keyed({1, 100000}), {.min = 16, .max = 500}).points()), 501, 2);
}

TEST(RingHashTest, LeavesNoHostOutEvenAboveTheMaximum) {
  const size_t n = 200;
  const HashRing ring(keyed(std::vector<uint32_t>(n, 1)), {.min = 1, .max = 10});
  std::set<uint32_t> seen;
  for (const uint32_t owner : owners(ring)) seen.insert(owner);
  EXPECT_GE(ring.points(), n);
  EXPECT_GE(seen.size(), n * 97 / 100);  // a few points have hardly any room before them
}

TEST(RingHashTest, PicksTheSameHostForAHashAndOthersForFurtherAttempts) {
  RingHash policy(std::make_shared<const HashRing>(keyed(std::vector<uint32_t>(10, 1)), HashRing::Size{}));
  base::Random random(1);
  std::set<uint32_t> others;
  for (uint32_t attempt = 0; attempt < 20; ++attempt) {
    const auto host = policy.pick({.random = random, .hash = 42, .attempt = attempt});
    EXPECT_EQ(policy.pick({.random = random, .hash = 42, .attempt = attempt}), host);
    others.insert(*host);
  }
  EXPECT_GE(others.size(), 6u);
}

TEST(RingHashTest, PicksAtRandomWithoutAHash) {
  const auto ring = std::make_shared<const HashRing>(keyed({1, 1, 1, 1}), HashRing::Size{.min = 65536});
  std::vector<double> shares(4, 0);
  for (uint64_t i = 0; i < 65536; ++i) shares[*ring->find(i << 48)] += 1;
  RingHash policy(ring);
  base::Random random(5);
  std::vector<uint64_t> seen(4, 0);
  for (int i = 0; i < 10000; ++i) ++seen[*policy.pick({.random = random})];
  EXPECT_LT(chiSquare(seen, shares), critical(3));
}

}  // namespace
}  // namespace weir::upstream::lb
