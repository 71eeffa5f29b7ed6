#include "source/upstream/lb/locality_load.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "gtest/gtest.h"
#include "source/base/random.h"

namespace weir::upstream::lb {
namespace {

// Envoy's documentation, "Locality weighted load balancing": X has weight 1, Y has weight 2 and is all available.
TEST(LocalityLoadTest, MatchesThePublishedTable) {
  const std::vector<std::array<uint64_t, 3>> rows = {{100, 33, 67}, {70, 33, 67}, {69, 32, 68},
                                                     {50, 26, 74},  {25, 15, 85}, {0, 0, 100}};
  for (const auto& [available, to_x, to_y] : rows) {
    const std::vector<uint64_t> weights = localityWeights({{1, available, 100}, {2, 100, 100}});
    const double sum = static_cast<double>(weights[0] + weights[1]);
    EXPECT_EQ(std::lround(100.0 * static_cast<double>(weights[0]) / sum), static_cast<long>(to_x)) << available;
    EXPECT_EQ(std::lround(100.0 * static_cast<double>(weights[1]) / sum), static_cast<long>(to_y)) << available;
  }
}

TEST(LocalityLoadTest, ALocalityWithoutHostsOrWeightGetsNothing) {
  EXPECT_EQ(localityWeights({{5, 0, 0}, {0, 3, 3}, {4294967295, 3, 3}}), (std::vector<uint64_t>{0, 0, 429496729500}));
}

TEST(LocalityLoadTest, AZoneKeepsItsTrafficWhereItsUpstreamHostsSuffice) {
  EXPECT_EQ(*zoneParts({{10, 10}, {10, 10}}, 0), (std::vector<double>{1, 0}));
  EXPECT_EQ(*zoneParts({{2, 6}, {8, 6}}, 0), (std::vector<double>{1, 0}));
}

TEST(LocalityLoadTest, TheRestGoesWhereThereIsRoom) {
  // 80 % of the callers and half of the upstream hosts: 62.5 % stays; of the rest, B (0.05 above its callers) gets a
  // sixth, C (0.25 above) five sixths.
  const std::vector<double> parts = *zoneParts({{80, 50}, {15, 20}, {5, 30}}, 0);
  EXPECT_NEAR(parts[0], 0.625, 1e-12);
  EXPECT_NEAR(parts[1], 0.375 / 6, 1e-12);
  EXPECT_NEAR(parts[2], 0.375 * 5 / 6, 1e-12);
}

TEST(LocalityLoadTest, ZoneAwarenessNeedsHostsInTheOwnZoneAndEnoughInAll) {
  EXPECT_FALSE(zoneParts({{0, 9}, {1, 9}}, 0).has_value());
  EXPECT_FALSE(zoneParts({{1, 0}, {1, 9}}, 0).has_value());
  EXPECT_FALSE(zoneParts({{1, 2}, {1, 3}}, 0).has_value());
  EXPECT_TRUE(zoneParts({{1, 3}, {1, 3}}, 0).has_value());
  EXPECT_TRUE(zoneParts({{1, 2}, {1, 3}}, 0, 5).has_value());
  EXPECT_FALSE(zoneParts({{1, 9}}, 1).has_value());
}

// Whatever the numbers: when callers are equally busy, so are all upstream hosts, and no zone sends away what could
// stay.
TEST(LocalityLoadTest, EveryUpstreamHostGetsTheSame) {
  base::Random random(4);
  for (int trial = 0; trial < 1000; ++trial) {
    std::vector<Zone> zones(2 + random.below(5));
    double local = 0, upstream = 0;
    for (Zone& zone : zones) {
      zone = {1 + random.below(50), 3 + random.below(50)};
      local += static_cast<double>(zone.local);
      upstream += static_cast<double>(zone.upstream);
    }
    std::vector<double> received(zones.size(), 0);
    for (size_t own = 0; own < zones.size(); ++own) {
      const double sent = static_cast<double>(zones[own].local) / local;
      const std::vector<double> parts = *zoneParts(zones, own);
      for (size_t i = 0; i < zones.size(); ++i) received[i] += sent * parts[i];
      EXPECT_NEAR(sent * parts[own], std::min(sent, static_cast<double>(zones[own].upstream) / upstream), 1e-9);
    }
    for (size_t i = 0; i < zones.size(); ++i) {
      ASSERT_NEAR(received[i], static_cast<double>(zones[i].upstream) / upstream, 1e-9) << "trial " << trial;
    }
  }
}

}  // namespace
}  // namespace weir::upstream::lb
