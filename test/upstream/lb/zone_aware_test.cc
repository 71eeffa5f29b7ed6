#include "source/upstream/lb/zone_aware.h"

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "source/upstream/lb/balancer.h"
#include "test/upstream/lb/statistics.h"

namespace weir::upstream::lb {
namespace {

// Locality 0 is the proxy's own.
struct Row {
  const char* what;
  std::vector<uint64_t> local;     // healthy hosts of the own cluster, by locality
  std::vector<uint64_t> upstream;  // of the other
  ZoneState state;
  std::vector<double> percent;  // of the traffic to each locality; empty: no routing by locality
};

std::vector<ZoneHosts> hostsOf(const std::vector<uint64_t>& upstream) {
  std::vector<ZoneHosts> out;
  for (uint32_t i = 0; i < upstream.size(); ++i) {
    if (upstream[i] > 0) out.push_back({i, upstream[i]});
  }
  return out;
}

// What Envoy documents of "Zone aware routing": everything stays while the own locality has its share of the upstream
// hosts; else the part that it can take stays, and what is left is divided by the capacity that others have to spare.
const std::vector<Row>& rows() {
  static const std::vector<Row> kRows = {
      {"alike", {10, 10}, {10, 10}, ZoneState::kDirect, {100, 0}},
      {"more than its share", {2, 8}, {6, 6}, ZoneState::kDirect, {100, 0}},
      {"half of its share", {10, 10}, {5, 15}, ZoneState::kResidual, {50, 50}},
      {"divided by what is spare", {80, 15, 5}, {50, 20, 30}, ZoneState::kResidual, {62.5, 6.25, 31.25}},
      {"none for a locality that lacks itself", {50, 40, 10}, {25, 25, 50}, ZoneState::kResidual, {50, 0, 50}},
      {"callers where there are no hosts", {10, 10, 20}, {4, 12}, ZoneState::kDirect, {100, 0}},
      {"hosts where there are no callers", {10}, {3, 3}, ZoneState::kResidual, {50, 50}},
      {"too few hosts", {10, 10}, {2, 3}, ZoneState::kClusterTooSmall, {}},
      {"one locality", {10, 10}, {10}, ZoneState::kOff, {}},
      {"no host in the own locality", {10, 10, 10}, {0, 10, 10}, ZoneState::kNoLocalHosts, {}},
      {"no caller in the own locality", {0, 10}, {10, 10}, ZoneState::kLocalNotOk, {}},
  };
  return kRows;
}

TEST(ZoneAwareTest, TheShareOfEachLocality) {
  for (const Row& row : rows()) {
    const LocalZones local{0, row.local, false};
    const ZonePlan plan = planZones(hostsOf(row.upstream), &local, {});
    EXPECT_EQ(plan.state, row.state) << row.what;
    ASSERT_EQ(plan.parts.size(), row.percent.size()) << row.what;
    for (size_t i = 0; i < plan.parts.size(); ++i) EXPECT_NEAR(plan.parts[i] * 100, row.percent[i], 1e-9) << row.what;
  }
}

TEST(ZoneAwareTest, WhatIsNotKnownOfTheOwnClusterSwitchesItOff) {
  const std::vector<ZoneHosts> upstream = hostsOf({10, 10});
  EXPECT_EQ(planZones(upstream, nullptr, {}).state, ZoneState::kLocalNotOk);
  const LocalZones panics{0, {10, 10}, true};
  EXPECT_EQ(planZones(upstream, &panics, {}).state, ZoneState::kLocalNotOk);
}

TEST(ZoneAwareTest, ALocalityThatIsLargeEnoughMayKeepEverything) {
  const LocalZones local{0, {10, 10}, false};
  ZoneOptions options;
  options.force_local_above = 5;
  EXPECT_EQ(planZones(hostsOf({5, 15}), &local, options).state, ZoneState::kDirect);
  EXPECT_EQ(planZones(hostsOf({4, 15}), &local, options).state, ZoneState::kResidual);
}

// A balancer over hosts of localities, with the notes of its picks.
class World {
 public:
  explicit World(const std::vector<uint64_t>& upstream) {
    options.policy = PolicyKind::kRandom;
    options.zone_aware.emplace();
    for (uint32_t locality = 0; locality < upstream.size(); ++locality) {
      for (uint64_t i = 0; i < upstream[locality]; ++i) {
        BalancerHost& host = hosts.emplace_back();
        host.slot = static_cast<uint32_t>(hosts.size() - 1);
        host.locality = locality;
      }
    }
  }
  void build(const LocalZones& local) {
    balancer = std::make_unique<const Balancer>(hosts, options, &local);
    cursors.assign(balancer->cursors(), 0);
  }
  std::vector<uint64_t> byLocality(size_t localities, int n) {
    std::vector<uint64_t> out(localities, 0);
    for (int i = 0; i < n; ++i) {
      PickNotes notes;
      const auto slot = balancer->pick({.random = random, .cursors = cursors.data(), .notes = &notes}, {});
      ++out[hosts[*slot].locality];
      ++noted[static_cast<size_t>(notes.zone)];
      panics += notes.panic;
    }
    return out;
  }

  Options options;
  std::vector<BalancerHost> hosts;
  std::unique_ptr<const Balancer> balancer;
  std::vector<uint64_t> cursors;
  std::vector<uint64_t> noted = std::vector<uint64_t>(4, 0);
  uint64_t panics = 0;
  base::Random random{5};
};

TEST(ZoneAwareTest, PicksFollowTheShares) {
  World world({50, 20, 30});
  world.build({0, {80, 15, 5}, false});
  EXPECT_EQ(world.balancer->zoneState(), ZoneState::kResidual);
  const std::vector<uint64_t> seen = world.byLocality(3, 100000);
  EXPECT_LT(chiSquare(seen, {62.5, 6.25, 31.25}), critical(2));
  EXPECT_EQ(world.noted, (std::vector<uint64_t>{0, 0, seen[0], seen[1] + seen[2]}));
}

TEST(ZoneAwareTest, EverythingStaysWhereItFits) {
  World world({10, 10});
  world.build({1, {10, 10}, false});
  EXPECT_EQ(world.byLocality(2, 1000), (std::vector<uint64_t>{0, 1000}));
  EXPECT_EQ(world.noted[static_cast<size_t>(PickNotes::Zone::kAllDirectly)], 1000u);
}

TEST(ZoneAwareTest, PartOfTheTrafficMayGoAnywhere) {
  World world({10, 30});
  world.options.zone_aware->routing_enabled = 40;
  world.build({0, {10, 30}, false});
  // 40 % stay; of the rest a quarter is at home by chance.
  EXPECT_LT(chiSquare(world.byLocality(2, 50000), {40 + 15, 45}), critical(1));
}

TEST(ZoneAwareTest, OnlyHealthyHostsCountAndAPanicGoesEverywhere) {
  World world({10, 10});
  for (size_t i = 0; i < 5; ++i) world.hosts[i].status = Status::kUnhealthy;
  world.build({0, {10, 10}, false});
  EXPECT_EQ(world.balancer->zoneState(), ZoneState::kResidual);
  // A third of the healthy hosts for half of the callers: two thirds stay.
  EXPECT_LT(chiSquare(world.byLocality(2, 50000), {2, 1}), critical(1));
  for (size_t i = 0; i < 8; ++i) world.hosts[i].status = world.hosts[10 + i].status = Status::kUnhealthy;
  world.build({0, {10, 10}, false});
  EXPECT_LT(chiSquare(world.byLocality(2, 50000), {1, 1}), critical(1));
  EXPECT_EQ(world.panics, 50000u);
}

TEST(ZoneAwareTest, HashesAndWeightsOfLocalitiesGoFirst) {
  World hash({10, 10});
  hash.options.policy = PolicyKind::kMaglev;
  for (BalancerHost& host : hash.hosts) host.key = "k";
  hash.build({0, {10, 10}, false});
  EXPECT_EQ(hash.balancer->zoneState(), ZoneState::kOff);
  World weighted({10, 10});
  weighted.options.locality_weighted = true;
  weighted.build({0, {10, 10}, false});
  EXPECT_EQ(weighted.balancer->zoneState(), ZoneState::kOff);
}

}  // namespace
}  // namespace weir::upstream::lb
