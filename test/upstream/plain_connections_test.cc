// WorkerCluster::connect: connections that belong to no pool.
#include "source/upstream/plain_connections.h"

#include <memory>
#include <optional>
#include <utility>

#include "gtest/gtest.h"
#include "test/upstream/upstream_world.h"

namespace weir::upstream {
namespace {

// Takes the connection and is its session.
class Taker final : public ConnectReceiver, private net::Session {
 public:
  void onConnected(Connected connected) override {
    got = std::move(connected);
    got.connection->setSession(*this);
    waiting_bytes = got.connection->input().size();
  }
  void onConnectFailed(http::Reason why, HostRef) override { reason = why; }

  base::Ticket ticket;
  Connected got{nullptr, nullptr, {}};
  size_t waiting_bytes = 0;
  http::Reason reason = http::Reason::kNone;

 private:
  void onInput(buffer::Buffer&, bool) override {}
  void onRoom() override {}
  void onClose(net::CloseReason) override {}
};

class PlainConnectionsTest : public testing::Test {
 protected:
  void start(const std::function<void(ClusterConfig&)>& change = {}) {
    cluster_ = std::make_unique<WorkerCluster>(world_.makeCluster({origin_.address()}, change), world_.worker().context,
                                               world_.memory);
  }

  UpstreamWorld world_;
  Origin origin_{world_.origin_worker, "10.0.0.1"};
  std::unique_ptr<WorkerCluster> cluster_;
};

TEST_F(PlainConnectionsTest, DeliversAConnectionLater) {
  start();
  Taker taker;
  taker.ticket = cluster_->connect({}, taker);
  EXPECT_EQ(taker.got.connection, nullptr);
  world_.settle();
  ASSERT_NE(taker.got.connection, nullptr);
  EXPECT_TRUE(taker.got.connection->open());
  EXPECT_EQ(taker.got.host, cluster_->hosts().hosts[0].get());
  EXPECT_EQ(cluster_->connections(), 1u);
}

TEST_F(PlainConnectionsTest, TheLeaseHoldsThePermit) {
  start([](ClusterConfig& config) { config.thresholds[0].max_connections = 1; });
  Taker first, second;
  first.ticket = cluster_->connect({}, first);
  world_.settle();
  second.ticket = cluster_->connect({}, second);
  world_.settle();
  EXPECT_EQ(second.reason, http::Reason::kUpstreamOverflow);
  first.got.connection.reset();
  EXPECT_EQ(cluster_->connections(), 1u);
  first.got.lease.release();
  EXPECT_EQ(cluster_->connections(), 0u);
  second.ticket = cluster_->connect({}, second);
  world_.settle();
  EXPECT_NE(second.got.connection, nullptr);
}

TEST_F(PlainConnectionsTest, FailuresAreToldLater) {
  start();
  world_.worker().network.setDescriptorLimit(0);
  Taker taker;
  taker.ticket = cluster_->connect({}, taker);
  EXPECT_EQ(taker.reason, http::Reason::kNone);
  world_.settle();
  EXPECT_EQ(taker.reason, http::Reason::kConnectFailure);
  EXPECT_EQ(world_.counter("upstream_cx_connect_fail"), 1u);
  EXPECT_EQ(cluster_->connections(), 0u);
}

TEST_F(PlainConnectionsTest, NoHealthyHostIsToldLater) {
  start([](ClusterConfig& config) {
    config.hosts[0].health = HostHealth::kUnhealthy;
    config.lb.panic_threshold = 0;
  });
  Taker taker;
  taker.ticket = cluster_->connect({}, taker);
  world_.settle();
  EXPECT_EQ(taker.reason, http::Reason::kNoHealthyUpstream);
}

TEST_F(PlainConnectionsTest, MayBeCancelledAtEveryPoint) {
  start();
  world_.wire.link(origin_.address()).latency = absl::Milliseconds(1);
  for (int steps = 0; steps < 8; ++steps) {
    Taker taker;
    taker.ticket = cluster_->connect({}, taker);
    for (int i = 0; i < steps; ++i) world_.simulation.step(world_.simulation.now() + absl::Milliseconds(50));
    const bool had = taker.got.connection != nullptr;
    taker.ticket.cancel();
    world_.settle();
    EXPECT_EQ(taker.got.connection != nullptr, had) << steps;
    EXPECT_EQ(taker.reason, http::Reason::kNone) << steps;
    EXPECT_EQ(cluster_->connections(), had ? 1u : 0u) << steps;
  }
  EXPECT_EQ(cluster_->connections(), 0u);
}

TEST_F(PlainConnectionsTest, WhatIsHandedBackIsWrittenToTheEnd) {
  start();
  Taker taker;
  taker.ticket = cluster_->connect({}, taker);
  world_.settle();
  origin_.peers[0]->connection().pauseReading(true);
  const std::string all(200'000, 'f');
  taker.got.connection->output().append(all);
  taker.got.connection->flush();
  cluster_->finish(std::move(taker.got), absl::Seconds(10));
  world_.settle();
  EXPECT_EQ(cluster_->connections(), 1u);
  origin_.peers[0]->connection().pauseReading(false);
  world_.settle();
  EXPECT_EQ(origin_.peers[0]->received_bytes, all.size());
  EXPECT_TRUE(origin_.peers[0]->ended);
  EXPECT_EQ(cluster_->connections(), 0u);
}

TEST_F(PlainConnectionsTest, WhatIsHandedBackIsDroppedWithoutProgress) {
  start();
  Taker taker;
  taker.ticket = cluster_->connect({}, taker);
  world_.settle();
  origin_.peers[0]->connection().pauseReading(true);
  taker.got.connection->output().append(std::string(900'000, 'f'));
  taker.got.connection->flush();
  cluster_->finish(std::move(taker.got), absl::Seconds(10));
  world_.simulation.runFor(absl::Seconds(9));
  EXPECT_EQ(cluster_->connections(), 1u);
  world_.simulation.runFor(absl::Seconds(2));
  EXPECT_EQ(cluster_->connections(), 0u);
}

}  // namespace
}  // namespace weir::upstream
