// How long requests wait for a connection, how many pools there may be, and connections that are opened ahead.
#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "source/upstream/connection_pool.h"
#include "test/upstream/h2_pool_fixture.h"
#include "test/upstream/upstream_world.h"

namespace weir::upstream {
namespace {

using http::Reason;

class PoolLimitsTest : public testing::Test {
 protected:
  void start(const std::function<void(ClusterConfig&)>& change, size_t hosts = 1) {
    std::vector<net::Address> addresses;
    for (size_t i = 0; i < hosts; ++i) {
      origins_.push_back(std::make_unique<Origin>(world_.origin_worker, "10.0.0." + std::to_string(i + 1)));
      addresses.push_back(origins_.back()->address());
    }
    cluster_ =
        std::make_unique<WorkerCluster>(world_.makeCluster(addresses, change), world_.worker().context, world_.memory);
  }
  ~PoolLimitsTest() override { askers_.clear(); }
  Asker& ask(const PickContext& pick = {}) {
    askers_.push_back(std::make_unique<Asker>(world_.worker()));
    askers_.back()->ask(*cluster_, pick);
    return *askers_.back();
  }
  void answerAll() {
    for (const auto& origin : origins_) origin->answerAll();
  }
  void pass(absl::Duration time) { world_.simulation.runFor(time); }
  // Connections that were ever opened.
  size_t opened() const { return world_.counter("upstream_cx_total"); }
  size_t openedTo(size_t host) const { return origins_[host]->peers.size(); }

  UpstreamWorld world_;
  std::vector<std::unique_ptr<Origin>> origins_;
  std::unique_ptr<WorkerCluster> cluster_;
  std::vector<std::unique_ptr<Asker>> askers_;
};

// --- the time-out of those who wait ---

TEST_F(PoolLimitsTest, WhoWaitsTooLongIsTold) {
  start([](ClusterConfig& config) {
    config.thresholds[0].max_connections = 1;
    config.pending_timeout = absl::Milliseconds(500);
  });
  ask();
  world_.settle();
  Asker& second = ask();
  pass(absl::Milliseconds(300));
  Asker& third = ask();
  pass(absl::Milliseconds(199));
  EXPECT_EQ(second.failed, 0);
  pass(absl::Milliseconds(5));
  EXPECT_EQ(second.reason, Reason::kPendingTimeout);
  EXPECT_NE(second.host, nullptr);
  EXPECT_EQ(third.failed, 0);
  EXPECT_EQ(world_.gauge("upstream_rq_pending_active"), 1);
  pass(absl::Milliseconds(300));
  EXPECT_EQ(third.reason, Reason::kPendingTimeout);
  EXPECT_EQ(world_.counter("upstream_rq_pending_timeout"), 2u);
  EXPECT_EQ(world_.gauge("upstream_rq_pending_active"), 0);
  EXPECT_EQ(cluster_->cluster().breaker(Priority::kDefault).pending.used(), 0u);
  EXPECT_EQ(askers_[0]->failed, 0);  // it has a connection, and waits for the answer as long as it likes
}

TEST_F(PoolLimitsTest, WhoIsServedInTimeIsNotTold) {
  start([](ClusterConfig& config) {
    config.thresholds[0].max_connections = 1;
    config.pending_timeout = absl::Milliseconds(500);
  });
  ask();
  Asker& second = ask();
  pass(absl::Milliseconds(400));
  origins_[0]->peers[0]->write(kOk);
  pass(absl::Seconds(2));
  EXPECT_EQ(second.opened, 1);
  EXPECT_EQ(second.failed, 0);
  EXPECT_EQ(world_.counter("upstream_rq_pending_timeout"), 0u);
}

TEST_F(PoolLimitsTest, WhoWaitsForAConnectionThatIsBeingOpenedIsToldToo) {
  start([](ClusterConfig& config) { config.pending_timeout = absl::Seconds(1); });
  world_.wire.link(origins_[0]->address()).black_hole = true;
  Asker& asker = ask();
  pass(absl::Milliseconds(1010));
  EXPECT_EQ(asker.reason, Reason::kPendingTimeout);
}

TEST_F(PoolLimitsTest, WithoutATimeoutTheyWait) {
  start([](ClusterConfig& config) { config.thresholds[0].max_connections = 1; });
  ask();
  Asker& second = ask();
  pass(absl::Hours(2));
  EXPECT_EQ(second.failed, 0);
}

TEST_F(PoolLimitsTest, OneWhoIsToldMayAskAgain) {
  start([](ClusterConfig& config) {
    config.thresholds[0].max_connections = 1;
    config.pending_timeout = absl::Milliseconds(100);
  });
  ask();
  Asker& second = ask();
  second.on_failed = [&] {
    if (second.failed < 3) second.ask(*cluster_);
  };
  pass(absl::Seconds(1));
  EXPECT_EQ(second.failed, 3);
  origins_[0]->peers[0]->write(kOk);
  world_.settle();
  EXPECT_EQ(cluster_->cluster().breaker(Priority::kDefault).pending.used(), 0u);
}

// --- pools ---

TEST_F(PoolLimitsTest, OnePoolTooManyIsRefused) {
  start(
      [](ClusterConfig& config) {
        config.thresholds[0].max_connection_pools = 2;
        config.thresholds[0].track_remaining = true;
      },
      3);
  ask();
  EXPECT_EQ(world_.gauge("circuit_breakers.default.remaining_cx_pools"), 1);
  EXPECT_EQ(world_.gauge("circuit_breakers.default.cx_pool_open"), 0);
  ask();
  world_.settle();
  EXPECT_EQ(world_.gauge("circuit_breakers.default.cx_pool_open"), 1);
  Asker& third = ask();
  EXPECT_EQ(third.failed, 0);
  world_.settle();
  EXPECT_EQ(third.reason, Reason::kUpstreamOverflow);
  EXPECT_NE(third.host, nullptr);
  EXPECT_EQ(world_.counter("upstream_cx_pool_overflow"), 1u);
  EXPECT_EQ(opened(), 2u);
}

TEST_F(PoolLimitsTest, APoolThatNobodyUsesMakesRoom) {
  start([](ClusterConfig& config) { config.thresholds[0].max_connection_pools = 1; }, 3);
  answerAll();
  for (int i = 0; i < 9; ++i) {
    Asker& asker = ask();
    world_.settle();
    EXPECT_EQ(asker.answers, 1) << i;
  }
  EXPECT_EQ(world_.counter("upstream_cx_pool_overflow"), 0u);
  EXPECT_EQ(cluster_->connections(), 1u);
  EXPECT_EQ(cluster_->cluster().breaker(Priority::kDefault).connections.used(), 1u);
  EXPECT_EQ(cluster_->cluster().breaker(Priority::kDefault).pools.used(), 1u);
}

TEST_F(PoolLimitsTest, PrioritiesHaveTheirOwnPools) {
  start([](ClusterConfig& config) { config.thresholds[1].max_connection_pools = 0; });
  answerAll();
  Asker& usual = ask();
  Asker& high = ask({.priority = Priority::kHigh});
  world_.settle();
  EXPECT_EQ(usual.answers, 1);
  EXPECT_EQ(high.reason, Reason::kUpstreamOverflow);
}

TEST_F(PoolLimitsTest, WhoIsRefusedMayCancelFirst) {
  start([](ClusterConfig& config) { config.thresholds[0].max_connection_pools = 0; });
  Asker& asker = ask();
  asker.cancel();
  world_.settle();
  EXPECT_EQ(asker.failed, 0);
}

// --- connections that are opened ahead of requests ---

TEST(PreconnectTest, ARatioOpensAheadOfRequests) {
  struct Case {
    double ratio;
    size_t opened_for_one;
    size_t opened_for_four;
  };
  // For each stream that is open or waits, `ratio` connections that carry or could carry one.
  for (const Case& one : {Case{1.0, 1, 4}, Case{1.5, 2, 6}, Case{2.0, 2, 8}, Case{3.0, 3, 12}}) {
    UpstreamWorld fresh;
    Origin origin(fresh.origin_worker, "10.0.0.1");
    WorkerCluster cluster(
        fresh.makeCluster({origin.address()}, [&](ClusterConfig& config) { config.preconnect_ratio = one.ratio; }),
        fresh.worker().context, fresh.memory);
    std::vector<std::unique_ptr<Asker>> askers;
    for (int i = 0; i < 4; ++i) {
      askers.push_back(std::make_unique<Asker>(fresh.worker()));
      askers.back()->ask(cluster);
      fresh.settle();
      if (i == 0) {
        EXPECT_EQ(origin.peers.size(), one.opened_for_one) << one.ratio;
      }
    }
    EXPECT_EQ(origin.peers.size(), one.opened_for_four) << one.ratio;
    askers.clear();
  }
}

TEST_F(PoolLimitsTest, WhatWasOpenedAheadServesTheNextAtOnce) {
  start([](ClusterConfig& config) { config.preconnect_ratio = 2; });
  world_.wire.link(origins_[0]->address()).latency = absl::Milliseconds(50);
  ask();
  pass(absl::Milliseconds(200));
  ASSERT_EQ(openedTo(0), 2u);
  Asker& second = ask();
  pass(absl::Milliseconds(1));
  EXPECT_EQ(second.opened, 1);
  EXPECT_FALSE(second.reused);
}

TEST_F(PoolLimitsTest, OpeningAheadKeepsToTheLimits) {
  start([](ClusterConfig& config) {
    config.preconnect_ratio = 3;
    config.thresholds[0].max_connections = 2;
  });
  ask();
  world_.settle();
  EXPECT_EQ(opened(), 2u);
  EXPECT_EQ(world_.counter("upstream_cx_overflow"), 0u);  // nobody was refused
  EXPECT_EQ(askers_[0]->opened, 1);
}

TEST_F(PoolLimitsTest, AFailureAheadFailsNobody) {
  start([](ClusterConfig& config) { config.preconnect_ratio = 3; });
  ask();
  world_.settle();
  ASSERT_EQ(opened(), 3u);
  world_.wire.link(origins_[0]->address()).refuse = true;
  Asker& second = ask();
  world_.settle();
  EXPECT_EQ(second.opened, 1);
  EXPECT_EQ(second.failed, 0);
  EXPECT_GT(world_.counter("upstream_cx_connect_fail"), 0u);
  EXPECT_EQ(world_.counter("upstream_rq_pending_failure_eject"), 0u);
}

TEST_F(PoolLimitsTest, IdleOnesAreNotReplacedWhenNobodyAsks) {
  start([](ClusterConfig& config) {
    config.preconnect_ratio = 2;
    config.idle_timeout = absl::Seconds(5);
  });
  answerAll();
  ask();
  pass(absl::Minutes(1));
  EXPECT_EQ(opened(), 2u);
  EXPECT_EQ(cluster_->connections(), 0u);
}

TEST_F(PoolLimitsTest, HostsThatArePickedNextAreConnectedTo) {
  start([](ClusterConfig& config) { config.predictive_preconnect_ratio = 2; }, 4);
  world_.wire.defaultLink().latency = absl::ZeroDuration();
  Asker& first = ask();
  world_.settle();
  EXPECT_EQ(opened(), 2u);
  // The one that was opened ahead is to the host of the next request.
  Asker& second = ask();
  pass(absl::ZeroDuration());
  EXPECT_EQ(second.opened, 1);
  EXPECT_NE(first.host, second.host);
  world_.settle();
  EXPECT_EQ(opened(), 4u);
}

// What was foreseen is what is picked: over whole rounds every host has had the same.
TEST_F(PoolLimitsTest, ForesightDoesNotChangeTheShares) {
  start([](ClusterConfig& config) { config.predictive_preconnect_ratio = 3; }, 4);
  answerAll();
  std::vector<int> seen(4);
  for (int i = 0; i < 400; ++i) {
    Asker& asker = ask();
    world_.settle();
    ASSERT_EQ(asker.answers, 1);
    for (size_t host = 0; host < 4; ++host) seen[host] += asker.host->address == origins_[host]->address();
  }
  for (const int count : seen) EXPECT_NEAR(count, 100, 1);
  EXPECT_EQ(opened(), 4u);
}

TEST_F(PoolLimitsTest, ARequestThatHasTriedAHostDoesNotGetTheForeseenOne) {
  start([](ClusterConfig& config) { config.predictive_preconnect_ratio = 2; }, 2);
  Asker& first = ask();
  world_.settle();
  const std::vector<HostRef> tried = {cluster_->hold(first.host->slot == 0 ? 1 : 0)};
  Asker& second = ask({.attempted = tried});
  world_.settle();
  EXPECT_EQ(second.host, first.host);
}

TEST_F(PoolLimitsTest, WhatWasForeseenGoesWithItsHosts) {
  start([](ClusterConfig& config) { config.predictive_preconnect_ratio = 3; }, 2);
  ask();
  world_.settle();
  const auto fewer =
      std::make_shared<const HostSet>(std::vector<HostEntry>(), 2, cluster_->config().lb, world_.simulation.now());
  cluster_->setHosts(fewer);
  Asker& second = ask();
  world_.settle();
  EXPECT_EQ(second.reason, Reason::kNoHealthyUpstream);
}

using H2PreconnectTest = H2PoolFixture;

// With HTTP/2 what a connection can carry counts, not connections.
TEST_F(H2PreconnectTest, OneConnectionWithRoomIsEnough) {
  start([](ClusterConfig& config) { config.preconnect_ratio = 2; });
  warmUp();
  askMany(3);
  settle();
  EXPECT_EQ(counter("upstream_cx_total"), 1u);
}

}  // namespace
}  // namespace weir::upstream
