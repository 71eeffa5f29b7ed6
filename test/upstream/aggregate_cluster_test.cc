// A cluster that stands for others: which of them is used.
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "source/upstream/cluster_manager.h"
#include "test/upstream/lb/statistics.h"
#include "test/upstream/upstream_world.h"

namespace weir::upstream {
namespace {

constexpr int kAsked = 20000;

// Hosts of one level, so many of them well.
struct LevelOfHosts {
  uint32_t well;
  uint32_t all;
};

class AggregateClusterTest : public testing::Test {
 protected:
  void start(const std::vector<std::vector<LevelOfHosts>>& members) {
    std::vector<std::string> names;
    for (const auto& levels : members) {
      names.push_back("m" + std::to_string(names.size()));
      snapshot_.push_back(world_.makeCluster({}, [&](ClusterConfig& config) {
        config.name = config.stat_name = names.back();
        for (uint32_t priority = 0; priority < levels.size(); ++priority) add(config, priority, levels[priority]);
      }));
    }
    snapshot_.push_back(world_.makeCluster({}, [&](ClusterConfig& config) {
      config.name = config.stat_name = "all";
      config.members = std::make_shared<const std::vector<std::string>>(names);
    }));
    manager_ = std::make_unique<ClusterManager>(snapshot_, world_.worker().context);
  }
  void add(ClusterConfig& config, uint32_t priority, LevelOfHosts level) {
    auto group = std::make_shared<HostGroup>();
    group->priority = priority;
    for (uint32_t i = 0; i < level.all; ++i) {
      HostSpec& host = config.hosts.emplace_back();
      host.address = *net::Address::parseIp("10.1." + std::to_string(snapshot_.size()) + ".1", ++port_);
      host.text = host.address.text();
      host.group = group;
      host.health = i < level.well ? HostHealth::kHealthy : HostHealth::kUnhealthy;
    }
  }
  // How often each member is used.
  std::vector<uint64_t> used() {
    std::vector<uint64_t> seen(snapshot_.size() - 1, 0);
    for (int i = 0; i < kAsked; ++i) ++seen[std::stoul(manager_->find("all")->config().name.substr(1))];
    return seen;
  }

  UpstreamWorld world_;
  uint32_t port_ = 0;
  std::vector<std::shared_ptr<const Cluster>> snapshot_;
  std::unique_ptr<ClusterManager> manager_;
};

TEST_F(AggregateClusterTest, TheFirstHasEverythingAsLongAsItCan) {
  start({{{8, 10}}, {{10, 10}}});  // 8 of 10 are worth more than 100 percent
  EXPECT_EQ(used(), (std::vector<uint64_t>{kAsked, 0}));
  EXPECT_EQ(manager_->find("m1")->config().name, "m1");
  EXPECT_EQ(manager_->find("m2"), nullptr);
}

TEST_F(AggregateClusterTest, WhatTheFirstCannotTakeGoesToTheNext) {
  start({{{5, 10}}, {{2, 10}}, {{10, 10}}});  // 70, 28, and what is left
  EXPECT_LT(lb::chiSquare(used(), {70, 28, 2}), lb::critical(3));
}

TEST_F(AggregateClusterTest, LevelsOfAMemberComeBeforeTheNextMember) {
  start({{{1, 10}, {5, 10}}, {{10, 10}}});  // 14 and 70
  EXPECT_LT(lb::chiSquare(used(), {84, 16}), lb::critical(2));
}

TEST_F(AggregateClusterTest, WhereNobodyHasEnoughAllGetInProportion) {
  start({{{1, 10}}, {{3, 10}}});  // 14 and 42 of 56
  EXPECT_LT(lb::chiSquare(used(), {14, 42}), lb::critical(2));
}

TEST_F(AggregateClusterTest, WithoutAnyHealthTheFirstThatHasHostsDecides) {
  start({{}, {{0, 3}}, {{0, 3}}});
  EXPECT_EQ(used(), (std::vector<uint64_t>{0, kAsked, 0}));
}

TEST_F(AggregateClusterTest, FollowsTheHostsOfItsMembers) {
  start({{{2, 2}}, {{2, 2}}});
  EXPECT_EQ(used()[0], kAsked);
  manager_->setHosts(
      0, std::make_shared<const HostSet>(std::vector<HostEntry>(), 2, lb::Options{}, world_.simulation.now()));
  EXPECT_EQ(used()[1], kAsked);
}

}  // namespace
}  // namespace weir::upstream
