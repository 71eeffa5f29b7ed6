// What ends a pooled connection, and what must never go back to the pool.
#include "source/upstream/upstream_connection.h"

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "test/upstream/upstream_world.h"

namespace weir::upstream {
namespace {

using http::Reason;

class UpstreamConnectionTest : public testing::Test {
 protected:
  void start(const std::function<void(ClusterConfig&)>& change = {}) {
    cluster_ = std::make_unique<WorkerCluster>(world_.makeCluster({origin_.address()}, change), world_.worker().context,
                                               world_.memory);
  }
  Asker& ask() {
    askers_.push_back(std::make_unique<Asker>(world_.worker()));
    askers_.back()->ask(*cluster_);
    return *askers_.back();
  }
  ~UpstreamConnectionTest() override { askers_.clear(); }
  // One request, answered with `bytes`.
  Asker& exchange(std::string_view bytes) {
    Asker& asker = ask();
    world_.settle();
    origin_.peers.back()->write(bytes);
    world_.settle();
    return asker;
  }

  UpstreamWorld world_;
  Origin origin_{world_.origin_worker, "10.0.0.1"};
  std::unique_ptr<WorkerCluster> cluster_;
  std::vector<std::unique_ptr<Asker>> askers_;
};

TEST_F(UpstreamConnectionTest, IsDroppedWhenThePeerClosesItWhileIdle) {
  start();
  exchange(kOk);
  EXPECT_EQ(cluster_->connections(), 1u);
  origin_.peers[0]->connection().close(net::CloseReason::kLocal);
  world_.settle();
  EXPECT_EQ(cluster_->connections(), 0u);
  EXPECT_FALSE(exchange(kOk).reused);
}

TEST_F(UpstreamConnectionTest, IsDroppedWhenThePeerResetsItWhileIdle) {
  start();
  exchange(kOk);
  world_.wire.resetAll(origin_.address());
  world_.settle();
  EXPECT_EQ(cluster_->connections(), 0u);
  EXPECT_EQ(world_.counter("upstream_cx_destroy"), 1u);
  EXPECT_EQ(world_.counter("upstream_cx_destroy_remote_with_active_rq"), 0u);
}

TEST_F(UpstreamConnectionTest, IsDroppedWhenBytesComeThatNobodyAskedFor) {
  start();
  exchange(kOk);
  origin_.peers[0]->write("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil");
  world_.settle();
  EXPECT_EQ(cluster_->connections(), 0u);
  EXPECT_EQ(exchange(kOk).answers, 1);
}

TEST_F(UpstreamConnectionTest, IsNotUsedAgainWhenMoreThanTheResponseCame) {
  start();
  const Asker& asker = exchange(std::string(kOk) + std::string(kOk));
  EXPECT_EQ(asker.answers, 1);
  EXPECT_EQ(cluster_->connections(), 0u);
  EXPECT_EQ(world_.counter("upstream_cx_protocol_error"), 1u);
}

TEST_F(UpstreamConnectionTest, IsNotUsedAgainAfterConnectionClose) {
  start();
  EXPECT_EQ(exchange("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").answers, 1);
  EXPECT_EQ(cluster_->connections(), 0u);
}

TEST_F(UpstreamConnectionTest, IsNotUsedAgainAfterAStreamThatWasGivenUp) {
  start();
  Asker& asker = ask();
  world_.settle();
  asker.drop();
  world_.settle();
  EXPECT_EQ(cluster_->connections(), 0u);
  EXPECT_EQ(cluster_->cluster().breaker(Priority::kDefault).requests.used(), 0u);
}

TEST_F(UpstreamConnectionTest, AStreamOnWhichNothingWasSentLeavesTheConnectionWhole) {
  start();
  Asker& asker = ask();
  asker.send_at_once = false;
  world_.settle();
  ASSERT_EQ(asker.opened, 1);
  asker.drop();
  world_.settle();
  EXPECT_EQ(cluster_->connections(), 1u);
  EXPECT_EQ(exchange(kOk).answers, 1);
  EXPECT_EQ(origin_.peers.size(), 1u);
}

// The race that every keep-alive client has: the peer closes while the next request is on its way.
TEST_F(UpstreamConnectionTest, ARequestThatMetTheCloseOfAReusedConnectionIsKnownToBeUnprocessed) {
  start();
  world_.wire.link(origin_.address()).latency = absl::Milliseconds(5);
  exchange(kOk);
  origin_.peers[0]->connection().close(net::CloseReason::kLocal);
  world_.simulation.runFor(absl::Milliseconds(2));  // the FIN is on its way
  Asker& asker = ask();
  world_.settle();
  EXPECT_TRUE(asker.reused);
  EXPECT_EQ(asker.broken, Reason::kUpstreamReset);
  EXPECT_TRUE(asker.unprocessed);
}

TEST_F(UpstreamConnectionTest, AFreshConnectionThatClosesGivesNoSuchProof) {
  start();
  Asker& asker = ask();
  world_.settle();
  origin_.peers[0]->connection().close(net::CloseReason::kLocalReset);
  world_.settle();
  EXPECT_EQ(asker.broken, Reason::kUpstreamReset);
  EXPECT_FALSE(asker.unprocessed);
  EXPECT_EQ(world_.counter("upstream_cx_destroy_remote_with_active_rq"), 1u);
  EXPECT_EQ(cluster_->connections(), 0u);
}

TEST_F(UpstreamConnectionTest, OutlivesItsSocketUntilTheStreamIsReleased) {
  start();
  Asker& asker = ask();
  asker.keep_stream = true;
  world_.settle();
  origin_.peers[0]->write(kOk);
  world_.settle();
  world_.wire.resetAll(origin_.address());
  world_.settle();
  EXPECT_EQ(asker.answers, 1);
  EXPECT_EQ(cluster_->connections(), 0u);
  EXPECT_EQ(cluster_->cluster().breaker(Priority::kDefault).requests.used(), 1u);
  EXPECT_EQ(asker.stream->receive(), std::nullopt);
  asker.drop();
  world_.settle();
  EXPECT_EQ(cluster_->cluster().breaker(Priority::kDefault).requests.used(), 0u);
}

TEST_F(UpstreamConnectionTest, ClosesAfterItsLastRequest) {
  start([](ClusterConfig& config) { config.max_requests_per_connection = 2; });
  for (int i = 0; i < 4; ++i) EXPECT_EQ(exchange(kOk).answers, 1);
  EXPECT_EQ(origin_.peers.size(), 2u);
  EXPECT_EQ(world_.counter("upstream_cx_max_requests"), 2u);
  EXPECT_EQ(cluster_->connections(), 0u);
}

TEST_F(UpstreamConnectionTest, ClosesAtItsMaximumAgeOnceIdle) {
  start([](ClusterConfig& config) { config.max_connection_duration = absl::Seconds(5); });
  exchange(kOk);
  Asker& asker = ask();
  world_.simulation.runFor(absl::Seconds(6));
  EXPECT_EQ(world_.counter("upstream_cx_max_duration_reached"), 1u);
  EXPECT_EQ(cluster_->connections(), 1u);  // a request is under way
  origin_.peers[0]->write(kOk);
  world_.settle();
  EXPECT_EQ(asker.answers, 1);
  EXPECT_EQ(cluster_->connections(), 0u);
}

TEST_F(UpstreamConnectionTest, DrainingClosesIdleOnesNowAndBusyOnesAfterTheirRequest) {
  start();
  Asker& first = ask();
  Asker& second = ask();
  world_.settle();
  origin_.peers[0]->write(kOk);
  world_.settle();
  EXPECT_EQ(cluster_->connections(), 2u);
  cluster_->drain();
  world_.settle();
  EXPECT_EQ(cluster_->connections(), 1u);
  origin_.peers[1]->write(kOk);
  world_.settle();
  EXPECT_EQ(first.answers + second.answers, 2);
  EXPECT_EQ(cluster_->connections(), 0u);
}

TEST_F(UpstreamConnectionTest, HostCountersTellWhatHappened) {
  start();
  exchange(kOk);
  const HostRef host = cluster_->hold(0);
  cluster_->recordOutcome(host, {RequestOutcome::Kind::kSuccess, 200, absl::Milliseconds(3)});
  cluster_->recordOutcome(host, {RequestOutcome::Kind::kTimeout, 0, absl::Seconds(1)});
  ask();
  world_.settle();
  EXPECT_EQ(host->text, origin_.address().text());
  const HostTotals totals = host->totals();
  EXPECT_EQ(totals.cx_total, 1u);
  EXPECT_EQ(totals.cx_active, 1u);
  EXPECT_EQ(totals.cx_connect_fail, 0u);
  EXPECT_EQ(totals.rq_total, 2u);
  EXPECT_EQ(totals.rq_active, 1u);
  EXPECT_EQ(totals.rq_success, 1u);
  EXPECT_EQ(totals.rq_timeout, 1u);
  EXPECT_EQ(totals.rq_error, 1u);
  EXPECT_EQ(totals.latency_us, 3000u);
}

}  // namespace
}  // namespace weir::upstream
