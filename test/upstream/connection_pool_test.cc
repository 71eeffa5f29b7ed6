// Connection pools through WorkerCluster::openStream, on a simulated network.
#include "source/upstream/connection_pool.h"

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "test/upstream/upstream_world.h"

namespace weir::upstream {
namespace {

using http::Reason;

class ConnectionPoolTest : public testing::Test {
 protected:
  // A cluster of one origin.
  void start(const std::function<void(ClusterConfig&)>& change = {}) {
    cluster_ = std::make_unique<WorkerCluster>(world_.makeCluster({origin_.address()}, change), world_.worker().context,
                                               world_.memory);
  }
  Asker& ask(const PickContext& pick = {}) {
    askers_.push_back(std::make_unique<Asker>(world_.worker()));
    askers_.back()->ask(*cluster_, pick);
    return *askers_.back();
  }
  ~ConnectionPoolTest() override { askers_.clear(); }
  // Every permit was given back, and nothing is counted as under way.
  void expectAllPermitsBack() {
    for (const Priority priority : {Priority::kDefault, Priority::kHigh}) {
      EXPECT_EQ(cluster_->cluster().breaker(priority).pending.used(), 0u);
      EXPECT_EQ(cluster_->cluster().breaker(priority).requests.used(), 0u);
    }
    EXPECT_EQ(cluster_->cluster().breaker(Priority::kDefault).connections.used(), cluster_->connections());
    EXPECT_EQ(world_.gauge("upstream_rq_active"), 0);
    EXPECT_EQ(world_.gauge("upstream_rq_pending_active"), 0);
    EXPECT_EQ(world_.gauge("upstream_cx_active"), static_cast<int64_t>(cluster_->connections()));
  }

  UpstreamWorld world_;
  Origin origin_{world_.origin_worker, "10.0.0.1"};
  std::unique_ptr<WorkerCluster> cluster_;
  std::vector<std::unique_ptr<Asker>> askers_;
};

TEST_F(ConnectionPoolTest, DeliversNothingInsideTheCall) {
  start();
  origin_.answerAll();
  Asker& asker = ask();
  EXPECT_EQ(asker.opened + asker.failed, 0);
  world_.settle();
  EXPECT_EQ(asker.answers, 1);
  Asker& second = ask();  // an idle connection waits
  EXPECT_EQ(second.opened, 0);
  world_.settle();
  EXPECT_EQ(second.answers, 1);
  expectAllPermitsBack();
}

TEST_F(ConnectionPoolTest, UsesAConnectionAgain) {
  start();
  origin_.answerAll();
  for (int i = 0; i < 5; ++i) {
    Asker& asker = ask();
    world_.settle();
    EXPECT_EQ(asker.answers, 1);
    EXPECT_EQ(asker.reused, i > 0);
    EXPECT_EQ(asker.host, cluster_->hosts().hosts[0].get());
  }
  EXPECT_EQ(origin_.peers.size(), 1u);
  EXPECT_EQ(world_.counter("upstream_cx_total"), 1u);
  EXPECT_EQ(world_.counter("upstream_cx_http1_total"), 1u);
  EXPECT_EQ(world_.counter("upstream_rq_total"), 5u);
  EXPECT_EQ(world_.counter("upstream_cx_rx_bytes_total"), 5 * kOk.size());
  EXPECT_GT(world_.counter("upstream_cx_tx_bytes_total"), 5 * 20u);
  expectAllPermitsBack();
}

TEST_F(ConnectionPoolTest, TakesTheConnectionUsedLastAndLetsTheOthersTimeOut) {
  start([](ClusterConfig& config) { config.idle_timeout = absl::Seconds(10); });
  origin_.answerAll();
  for (int i = 0; i < 3; ++i) ask();
  world_.settle();
  ASSERT_EQ(origin_.open(), 3u);
  for (int i = 0; i < 20; ++i) {
    ask();
    world_.simulation.runFor(absl::Seconds(1));
  }
  EXPECT_EQ(origin_.open(), 1u);
  EXPECT_EQ(origin_.peers.size(), 3u);
  EXPECT_EQ(world_.counter("upstream_cx_idle_timeout"), 2u);
  world_.simulation.runFor(absl::Seconds(11));
  EXPECT_EQ(cluster_->connections(), 0u);
  expectAllPermitsBack();
}

TEST_F(ConnectionPoolTest, ServesInOrderOfArrival) {
  start([](ClusterConfig& config) { config.thresholds[0].max_connections = 1; });
  std::vector<int> order;
  for (int i = 0; i < 5; ++i) ask().on_open = [&order, i] { order.push_back(i); };
  world_.settle();
  EXPECT_EQ(order, (std::vector<int>{0}));
  EXPECT_EQ(world_.gauge("upstream_rq_pending_active"), 4);
  EXPECT_EQ(world_.gauge("circuit_breakers.default.cx_open"), 1);
  for (int i = 0; i < 5; ++i) {
    origin_.peers[0]->write(kOk);
    world_.settle();
  }
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
  EXPECT_EQ(origin_.peers.size(), 1u);
  expectAllPermitsBack();
}

TEST_F(ConnectionPoolTest, RefusesWhoIsOnePendingTooMany) {
  start([](ClusterConfig& config) {
    config.thresholds[0].max_connections = 1;
    config.thresholds[0].max_pending_requests = 2;
    config.thresholds[0].track_remaining = true;
  });
  ask();
  world_.settle();
  ask();
  ask();
  world_.settle();
  EXPECT_EQ(world_.gauge("circuit_breakers.default.rq_pending_open"), 1);
  EXPECT_EQ(world_.gauge("circuit_breakers.default.remaining_pending"), 0);
  EXPECT_EQ(world_.gauge("circuit_breakers.default.remaining_cx"), 0);
  EXPECT_EQ(world_.gauge("circuit_breakers.default.remaining_rq"), 1023);
  Asker& one_more = ask();
  world_.settle();
  EXPECT_EQ(one_more.reason, Reason::kUpstreamOverflow);
  EXPECT_EQ(one_more.failed, 1);
  EXPECT_EQ(world_.counter("upstream_rq_pending_overflow"), 1u);
  askers_[1]->cancel();
  EXPECT_EQ(world_.gauge("circuit_breakers.default.rq_pending_open"), 0);
  origin_.answerAll();
  origin_.peers[0]->write(kOk);
  world_.settle();
  EXPECT_EQ(askers_[2]->answers, 1);
  expectAllPermitsBack();
}

TEST_F(ConnectionPoolTest, RefusesWhoIsOneRequestTooMany) {
  start([](ClusterConfig& config) { config.thresholds[0].max_requests = 2; });
  for (int i = 0; i < 3; ++i) ask();
  world_.settle();
  EXPECT_EQ(askers_[0]->opened + askers_[1]->opened, 2);
  EXPECT_EQ(askers_[2]->reason, Reason::kUpstreamOverflow);
  EXPECT_EQ(world_.gauge("circuit_breakers.default.rq_open"), 1);
  // The other priority has limits of its own.
  Asker& high = ask({.priority = Priority::kHigh});
  world_.settle();
  EXPECT_EQ(high.opened, 1);
}

TEST_F(ConnectionPoolTest, RefusesWhoIsOneResendTooMany) {
  start([](ClusterConfig& config) { config.thresholds[0].max_retries = 1; });
  const PickContext again{.resend = true};
  Asker& first = ask(again);
  Asker& second = ask(again);
  Asker& fresh = ask();
  world_.settle();
  EXPECT_EQ(first.opened + fresh.opened, 2);
  EXPECT_EQ(second.reason, Reason::kRetryLimit);
  EXPECT_EQ(world_.counter("upstream_rq_retry_overflow"), 1u);
  EXPECT_EQ(world_.gauge("circuit_breakers.default.rq_retry_open"), 1);
  first.drop();
  world_.settle();
  EXPECT_EQ(world_.gauge("circuit_breakers.default.rq_retry_open"), 0);
  // Also when it is given up before it was answered.
  Asker& cancelled = ask(again);
  world_.simulation.step(world_.simulation.now());
  cancelled.cancel();
  EXPECT_EQ(cluster_->cluster().breaker(Priority::kDefault).retries.used(), 0u);
}

TEST_F(ConnectionPoolTest, LimitsHoldOverAllWorkersTogether) {
  UpstreamWorld world(2);
  Origin origin(world.origin_worker, "10.0.0.1");
  const std::shared_ptr<const Cluster> shared =
      world.makeCluster({origin.address()}, [](ClusterConfig& c) { c.thresholds[0].max_connections = 5; });
  WorkerCluster a(shared, world.workers[0]->context, world.memory);
  WorkerCluster b(shared, world.workers[1]->context, world.memory);
  std::vector<std::unique_ptr<Asker>> askers;
  for (int i = 0; i < 10; ++i) {
    askers.push_back(std::make_unique<Asker>(*world.workers[i % 2]));
    askers.back()->ask(i % 2 == 0 ? a : b);
  }
  world.settle();
  EXPECT_EQ(origin.peers.size(), 5u);
  EXPECT_EQ(shared->breaker(Priority::kDefault).connections.used(), 5u);
  EXPECT_EQ(a.connections() + b.connections(), 5u);
  EXPECT_EQ(world.gauge("circuit_breakers.default.cx_open"), 1);
  origin.answerAll();
  for (const auto& peer : origin.peers) peer->write(kOk);
  world.settle();
  int answers = 0;
  for (const auto& asker : askers) answers += asker->answers;
  // A worker that got no connection at all had nothing to wait for, and said so.
  for (const auto& asker : askers) answers += asker->failed;
  EXPECT_EQ(answers, 10);
  EXPECT_EQ(world.gauge("membership_total"), 1);
}

TEST_F(ConnectionPoolTest, AHostWithoutConnectionGetsThePermitOfAnIdleOne) {
  Origin other(world_.origin_worker, "10.0.0.2");
  origin_.answerAll();
  other.answerAll();
  cluster_ = std::make_unique<WorkerCluster>(
      world_.makeCluster({origin_.address(), other.address()},
                         [](ClusterConfig& config) { config.thresholds[0].max_connections = 1; }),
      world_.worker().context, world_.memory);
  for (int i = 0; i < 4; ++i) {
    Asker& asker = ask();
    world_.settle();
    EXPECT_EQ(asker.answers, 1) << i;
  }
  EXPECT_EQ(origin_.peers.size(), 2u);
  EXPECT_EQ(other.peers.size(), 2u);
  expectAllPermitsBack();
}

TEST_F(ConnectionPoolTest, AHostWithoutConnectionIsRefusedWhenAllAreBusyElsewhere) {
  Origin other(world_.origin_worker, "10.0.0.2");
  cluster_ = std::make_unique<WorkerCluster>(
      world_.makeCluster({origin_.address(), other.address()},
                         [](ClusterConfig& config) { config.thresholds[0].max_connections = 1; }),
      world_.worker().context, world_.memory);
  ask();
  world_.settle();
  Asker& second = ask();
  world_.settle();
  EXPECT_EQ(second.reason, Reason::kUpstreamOverflow);
  EXPECT_EQ(world_.counter("upstream_cx_overflow"), 1u);
}

TEST_F(ConnectionPoolTest, ARefusedConnectFailsTheRequest) {
  start();
  world_.wire.link(origin_.address()).refuse = true;
  Asker& asker = ask();
  world_.settle();
  EXPECT_EQ(asker.reason, Reason::kConnectFailure);
  EXPECT_EQ(asker.host, cluster_->hosts().hosts[0].get());
  EXPECT_EQ(world_.counter("upstream_cx_connect_fail"), 1u);
  EXPECT_EQ(world_.counter("upstream_rq_pending_failure_eject"), 1u);
  EXPECT_EQ(cluster_->connections(), 0u);
  expectAllPermitsBack();
}

TEST_F(ConnectionPoolTest, AConnectTimeoutFailsTheRequestInTime) {
  start([](ClusterConfig& config) { config.connect_timeout = absl::Milliseconds(250); });
  world_.wire.link(origin_.address()).black_hole = true;
  Asker& asker = ask();
  world_.simulation.runFor(absl::Milliseconds(249));
  EXPECT_EQ(asker.failed, 0);
  world_.simulation.runFor(absl::Milliseconds(5));
  EXPECT_EQ(asker.reason, Reason::kConnectTimeout);
  EXPECT_EQ(world_.counter("upstream_cx_connect_timeout"), 1u);
  expectAllPermitsBack();
}

TEST_F(ConnectionPoolTest, NoDescriptorLeftIsAConnectFailure) {
  start();
  world_.worker().network.setDescriptorLimit(0);
  Asker& asker = ask();
  Asker& second = ask();
  EXPECT_EQ(asker.failed, 0);
  world_.settle();
  EXPECT_EQ(asker.reason, Reason::kConnectFailure);
  EXPECT_EQ(second.reason, Reason::kConnectFailure);
  expectAllPermitsBack();
}

TEST_F(ConnectionPoolTest, AllWhoWaitForADeadHostAreTold) {
  start([](ClusterConfig& config) { config.thresholds[0].max_connections = 1; });
  world_.wire.link(origin_.address()).refuse = true;
  for (int i = 0; i < 10; ++i) ask();
  world_.settle();
  for (const auto& asker : askers_) EXPECT_EQ(asker->reason, Reason::kConnectFailure);
  EXPECT_EQ(world_.counter("upstream_cx_connect_fail"), 1u);
  expectAllPermitsBack();
}

TEST_F(ConnectionPoolTest, WhoAsksAgainAfterAFailureIsServedLater) {
  start();
  origin_.answerAll();
  world_.wire.link(origin_.address()).refuse = true;
  Asker& asker = ask();
  asker.on_failed = [&] {
    world_.wire.link(origin_.address()).refuse = false;
    asker.ask(*cluster_);
  };
  world_.settle();
  EXPECT_EQ(asker.failed, 1);
  EXPECT_EQ(asker.answers, 1);
}

TEST_F(ConnectionPoolTest, NoHealthyHostIsToldLater) {
  start([](ClusterConfig& config) {
    config.hosts[0].health = HostHealth::kUnhealthy;
    config.lb.panic_threshold = 0;
  });
  Asker& asker = ask();
  Asker& cancelled = ask();
  EXPECT_EQ(asker.failed, 0);
  cancelled.cancel();
  world_.settle();
  EXPECT_EQ(asker.reason, Reason::kNoHealthyUpstream);
  EXPECT_EQ(asker.host, nullptr);
  EXPECT_EQ(cancelled.failed, 0);
  EXPECT_EQ(world_.counter("upstream_cx_none_healthy"), 2u);
  expectAllPermitsBack();
}

// Cancelled after every possible number of steps of the simulation: nothing is ever told afterwards, nothing leaks,
// and the next request is served.
TEST_F(ConnectionPoolTest, MayBeCancelledAtEveryPoint) {
  start();
  origin_.answerAll();
  world_.wire.link(origin_.address()).latency = absl::Milliseconds(1);
  for (int steps = 0; steps < 12; ++steps) {
    Asker& asker = ask();
    for (int i = 0; i < steps; ++i) world_.simulation.step(world_.simulation.now() + absl::Milliseconds(50));
    const int opened = asker.opened;
    asker.cancel();
    asker.drop();
    world_.settle();
    EXPECT_EQ(asker.opened, opened) << steps;
    EXPECT_EQ(asker.failed, 0) << steps;
    expectAllPermitsBack();
    Asker& next = ask();
    world_.settle();
    EXPECT_EQ(next.answers, 1) << steps;
    if (steps % 2 == 0) {
      cluster_->drain();  // so that connecting is seen again
      start();
    }
  }
}

TEST_F(ConnectionPoolTest, AConnectionThatNobodyWaitsForAnyMoreServesTheNext) {
  start();
  origin_.answerAll();
  world_.wire.link(origin_.address()).latency = absl::Milliseconds(10);
  Asker& first = ask();
  world_.simulation.runFor(absl::Milliseconds(5));
  first.cancel();
  EXPECT_EQ(world_.counter("upstream_rq_cancelled"), 1u);
  Asker& second = ask();
  world_.settle();
  EXPECT_EQ(second.answers, 1);
  EXPECT_EQ(origin_.peers.size(), 1u);
  expectAllPermitsBack();
}

TEST_F(ConnectionPoolTest, CancellingOneInsideTheAnswerOfAnotherIsSafe) {
  start([](ClusterConfig& config) { config.thresholds[0].max_pending_requests = 0; });
  std::vector<Asker*> all;
  for (int i = 0; i < 3; ++i) all.push_back(&ask());
  all[0]->on_failed = [&] { all[1]->cancel(); };
  world_.settle();
  EXPECT_EQ(all[0]->failed, 1);
  EXPECT_EQ(all[1]->failed, 0);
  EXPECT_EQ(all[2]->failed, 1);
  expectAllPermitsBack();
}

TEST_F(ConnectionPoolTest, ABudgetOfRetriesGrowsWithTheRequests) {
  start([](ClusterConfig& config) { config.thresholds[0].retry_budget = RetryBudget{50, 1}; });
  std::vector<Asker*> fresh;
  Asker& first = ask({.resend = true});
  world_.settle();
  EXPECT_EQ(first.opened, 1);  // so many at least
  EXPECT_EQ(ask({.resend = true}).opened, 0);
  world_.settle();
  EXPECT_EQ(world_.counter("upstream_rq_retry_overflow"), 1u);
  for (int i = 0; i < 5; ++i) fresh.push_back(&ask());
  world_.settle();
  Asker& second = ask({.resend = true});  // 6 under way: 3 may be retries
  Asker& third = ask({.resend = true});
  world_.settle();
  EXPECT_EQ(second.opened + third.opened, 2);
  Asker& fourth = ask({.resend = true});
  Asker& fifth = ask({.resend = true});  // 8 under way: 4 may be
  world_.settle();
  EXPECT_EQ(fourth.opened, 1);
  EXPECT_EQ(fifth.reason, Reason::kRetryLimit);
}

TEST_F(ConnectionPoolTest, AHostMayHaveALimitOfConnectionsOfItsOwn) {
  start([](ClusterConfig& config) { config.thresholds[0].host_max_connections = 1; });
  Asker& first = ask();
  Asker& second = ask();
  world_.settle();
  EXPECT_EQ(first.opened, 1);
  EXPECT_EQ(second.opened, 0);
  EXPECT_EQ(origin_.open(), 1u);
  origin_.peers[0]->write(kOk);
  world_.settle();
  EXPECT_EQ(second.opened, 1);
  EXPECT_EQ(origin_.peers.size(), 1u);
}

}  // namespace
}  // namespace weir::upstream
