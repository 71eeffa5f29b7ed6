// Pools of HTTP/2 connections: how many streams a connection carries, who waits, and what becomes of streams that the
// peer refuses, resets or leaves behind.
#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "source/upstream/connection_pool.h"
#include "test/upstream/h2_pool_fixture.h"

namespace weir::upstream {
namespace {

using http::Reason;
using http::h2::goaway;
using http::h2::headers;
using http::h2::ok;
using http::h2::rst;

class H2PoolTest : public H2PoolFixture {};

TEST_F(H2PoolTest, ManyStreamsShareOneConnection) {
  start();
  askMany(100);
  settle();
  ASSERT_EQ(origin_.connections.size(), 1u);
  EXPECT_EQ(origin_.at(0).waiting.size(), 100u);
  EXPECT_EQ(counter("upstream_cx_http2_total"), 1u);
  EXPECT_EQ(counter("upstream_cx_http1_total"), 0u);
  EXPECT_EQ(gauge("http2.streams_active"), 100);
  ask();  // one more than weir's own limit
  settle();
  ASSERT_EQ(origin_.connections.size(), 2u);
  EXPECT_EQ(origin_.at(1).waiting.size(), 1u);
  for (const auto& connection : origin_.connections) origin_.answerWaiting(*connection);
  settle();
  EXPECT_EQ(answers(), 101);
  EXPECT_TRUE(askers_[0]->multiplexed);
  expectAllPermitsBack();
}

TEST_F(H2PoolTest, ThePeersLimitHoldsExactly) {
  origin_.max_streams = 3;
  start([](ClusterConfig& config) { config.thresholds[0].max_connections = 1; });
  warmUp();
  askMany(7);
  settle();
  EXPECT_EQ(origin_.at(0).waiting.size(), 3u);
  EXPECT_EQ(gauge("upstream_rq_pending_active"), 4);
  while (!origin_.at(0).waiting.empty()) {
    origin_.answer(origin_.at(0), origin_.at(0).waiting.front());
    settle();
  }
  EXPECT_EQ(answers(), 7);
  EXPECT_EQ(origin_.at(0).most, 3u);
  EXPECT_EQ(origin_.connections.size(), 1u);
  EXPECT_EQ(origin_.at(0).requests, 8u);  // none was refused
  expectAllPermitsBack();
}

TEST_F(H2PoolTest, ConnectionsAreOpenedForAsManyAsAPeerTakes) {
  origin_.max_streams = 3;
  start();
  warmUp();
  askMany(7);
  settle();
  EXPECT_EQ(origin_.connections.size(), 3u);
  EXPECT_EQ(origin_.at(0).waiting.size() + origin_.at(1).waiting.size() + origin_.at(2).waiting.size(), 7u);
  for (const auto& connection : origin_.connections) EXPECT_LE(connection->most, 3u);
}

TEST_F(H2PoolTest, OneConnectionIsFilledBeforeAnotherIsUsed) {
  origin_.max_streams = 2;
  start();
  warmUp();
  askMany(4);
  settle();
  ASSERT_EQ(origin_.connections.size(), 2u);
  for (const auto& connection : origin_.connections) origin_.answerWaiting(*connection);
  settle();
  ask();
  ask();
  settle();
  EXPECT_EQ(std::max(origin_.at(0).waiting.size(), origin_.at(1).waiting.size()), 2u);
}

// Requests do not wait for SETTINGS, and may cross them.
TEST_F(H2PoolTest, ALimitThatComesLateRefusesWhatWasSentBefore) {
  world_.wire.link(origin_.address()).latency = absl::Milliseconds(5);
  origin_.max_streams = 2;
  start([](ClusterConfig& config) { config.thresholds[0].max_connections = 1; });
  askMany(5);
  settle();
  EXPECT_EQ(origin_.at(0).requests, 5u);
  EXPECT_EQ(unprocessed(), 3);
  for (const auto& asker : askers_) EXPECT_TRUE(asker->broken == Reason::kNone || asker->unprocessed);
  askMany(3);
  settle();
  EXPECT_EQ(origin_.at(0).requests, 5u);  // they wait now
  origin_.answerWaiting(origin_.at(0));
  settle();
  EXPECT_EQ(origin_.at(0).requests, 7u);
  origin_.answerWaiting(origin_.at(0));
  settle();
  origin_.answerWaiting(origin_.at(0));
  settle();
  EXPECT_EQ(answers(), 5);
  expectAllPermitsBack();
}

TEST_F(H2PoolTest, AConnectionThatMayCarryNothingIsKeptForWhenItMay) {
  origin_.max_streams = 1;
  start([](ClusterConfig& config) { config.thresholds[0].max_connections = 1; });
  warmUp();
  origin_.write(origin_.at(0), http::h2::settings({{3, 0}}));
  settle();
  Asker& asker = ask();
  settle();
  EXPECT_EQ(asker.opened, 0);
  origin_.write(origin_.at(0), http::h2::settings({{3, 1}}));
  settle();
  EXPECT_EQ(asker.opened, 1);
  EXPECT_EQ(origin_.connections.size(), 1u);
}

TEST_F(H2PoolTest, WhoIsOnePendingTooManyIsRefused) {
  origin_.max_streams = 1;
  start([](ClusterConfig& config) {
    config.thresholds[0].max_connections = 1;
    config.thresholds[0].max_pending_requests = 2;
  });
  warmUp();
  askMany(4);
  settle();
  EXPECT_EQ(askers_[2]->failed, 0);
  EXPECT_EQ(askers_[3]->reason, Reason::kUpstreamOverflow);
  EXPECT_EQ(counter("upstream_rq_pending_overflow"), 1u);
}

TEST_F(H2PoolTest, ARefusedConnectFailsAllWhoWait) {
  start();
  world_.wire.link(origin_.address()).refuse = true;
  askMany(5);
  settle();
  for (const auto& asker : askers_) EXPECT_EQ(asker->reason, Reason::kConnectFailure);
  EXPECT_EQ(counter("upstream_cx_connect_fail"), 1u);
  expectAllPermitsBack();
}

struct ResetRow {
  uint32_t code;
  bool after_head;
  Reason reason;
  bool unprocessed;
};

TEST_F(H2PoolTest, AResetMeansWhatItsCodeSaysAndTouchesNoOtherStream) {
  start();
  const ResetRow rows[] = {
      {7, false, Reason::kUpstreamReset, true},      // REFUSED_STREAM
      {8, false, Reason::kUpstreamReset, false},     // CANCEL
      {2, false, Reason::kUpstreamReset, false},     // INTERNAL_ERROR
      {7, true, Reason::kUpstreamTruncated, false},  // it was processed after all
      {2, true, Reason::kUpstreamTruncated, false},
  };
  Asker& other = ask();
  settle();
  for (const ResetRow& row : rows) {
    Asker& asker = ask();
    settle();
    const uint32_t stream = origin_.at(0).waiting.back();
    origin_.at(0).waiting.pop_back();
    if (row.after_head) origin_.write(origin_.at(0), headers(stream, ok(), false));
    origin_.write(origin_.at(0), rst(stream, row.code));
    settle();
    EXPECT_EQ(asker.broken, row.reason) << row.code << row.after_head;
    EXPECT_EQ(asker.unprocessed, row.unprocessed) << row.code << row.after_head;
  }
  EXPECT_EQ(other.broken, Reason::kNone);
  origin_.answerWaiting(origin_.at(0));
  settle();
  EXPECT_EQ(other.answers, 1);
  EXPECT_EQ(origin_.connections.size(), 1u);
  expectAllPermitsBack();
}

TEST_F(H2PoolTest, GoawayWhileIdleEndsTheConnection) {
  start();
  warmUp();
  origin_.write(origin_.at(0), goaway(1, 0));
  settle();
  EXPECT_EQ(cluster_->connections(), 0u);
  EXPECT_EQ(counter("upstream_cx_close_notify"), 1u);
  ask();
  settle();
  EXPECT_EQ(origin_.connections.size(), 2u);
  EXPECT_EQ(origin_.at(1).waiting.size(), 1u);
}

TEST_F(H2PoolTest, GoawayLetsFinishWhatIsBelowAndGivesBackWhatIsAbove) {
  start();
  askMany(3);
  settle();
  ASSERT_EQ(origin_.at(0).waiting, (std::vector<uint32_t>{1, 3, 5}));
  origin_.write(origin_.at(0), goaway(3, 0));
  settle();
  EXPECT_EQ(unprocessed(), 1);
  EXPECT_TRUE(askers_[2]->unprocessed);
  Asker& next = ask();
  settle();
  ASSERT_EQ(origin_.connections.size(), 2u);  // no new stream on the old one
  origin_.answerWaiting(origin_.at(1));
  origin_.answer(origin_.at(0), 1);
  settle();
  EXPECT_EQ(next.answers, 1);
  EXPECT_EQ(cluster_->connections(), 2u);
  origin_.answer(origin_.at(0), 3);
  settle();
  EXPECT_EQ(askers_[0]->answers + askers_[1]->answers, 2);
  EXPECT_EQ(cluster_->connections(), 1u);
  expectAllPermitsBack();
}

TEST_F(H2PoolTest, GoawayInTwoStepsLosesNothing) {
  start();
  askMany(2);
  settle();
  origin_.write(origin_.at(0), goaway(0x7fffffff, 0));
  settle();
  EXPECT_EQ(unprocessed(), 0);
  ask();
  settle();
  EXPECT_EQ(origin_.connections.size(), 2u);
  origin_.write(origin_.at(0), goaway(3, 0));
  origin_.answerWaiting(origin_.at(0));
  origin_.answerWaiting(origin_.at(1));
  settle();
  EXPECT_EQ(answers(), 3);
  EXPECT_EQ(cluster_->connections(), 1u);
}

TEST_F(H2PoolTest, AReplacementIsOpenedForThoseWhoWait) {
  origin_.max_streams = 1;
  start([](ClusterConfig& config) { config.thresholds[0].max_connections = 2; });
  warmUp();
  askMany(3);
  settle();
  ASSERT_EQ(origin_.connections.size(), 2u);
  EXPECT_EQ(gauge("upstream_rq_pending_active"), 1);
  origin_.write(origin_.at(0), goaway(3, 0));
  origin_.answerWaiting(origin_.at(0));
  settle();
  EXPECT_EQ(gauge("upstream_rq_pending_active"), 0);
  EXPECT_EQ(origin_.connections.size(), 3u);
}

TEST_F(H2PoolTest, GoawayBeforeAnythingElseGivesAllBack) {
  origin_.hello_at_once = false;
  start();
  askMany(4);
  settle();
  origin_.sayHello(origin_.at(0));
  origin_.write(origin_.at(0), goaway(0, 0));
  settle();
  EXPECT_EQ(unprocessed(), 4);
  EXPECT_EQ(cluster_->connections(), 0u);
  expectAllPermitsBack();
}

TEST_F(H2PoolTest, ALostConnectionBreaksAllItsStreamsWithoutProof) {
  start();
  askMany(3);
  settle();
  origin_.write(origin_.at(0), headers(1, ok(), false));
  settle();
  world_.wire.resetAll(origin_.address());
  settle();
  EXPECT_EQ(askers_[0]->broken, Reason::kUpstreamTruncated);
  EXPECT_EQ(askers_[1]->broken, Reason::kUpstreamReset);
  EXPECT_EQ(askers_[2]->broken, Reason::kUpstreamReset);
  EXPECT_EQ(unprocessed(), 0);
  EXPECT_EQ(counter("upstream_cx_destroy_remote_with_active_rq"), 1u);
  EXPECT_EQ(cluster_->connections(), 0u);
  expectAllPermitsBack();
}

TEST_F(H2PoolTest, TheVersionOfTheRequestDecidesWhereTheClusterSaysSo) {
  Origin old(world_.origin_worker, "10.0.0.2");
  old.answerAll();
  startAt({origin_.address()}, [](ClusterConfig& config) { config.protocol = Protocol::kDownstream; });
  origin_.answer_all = true;
  PickContext h2;
  h2.version = http::Version::kHttp2;
  Asker& first = ask(h2);
  Asker& second = ask(h2);
  settle();
  EXPECT_EQ(first.answers + second.answers, 2);
  EXPECT_EQ(counter("upstream_cx_http2_total"), 1u);
  ask();  // HTTP/1.1, over another connection
  settle();
  EXPECT_EQ(counter("upstream_cx_http1_total"), 1u);
  EXPECT_EQ(origin_.connections.size(), 2u);
  askers_.clear();
  startAt({old.address()}, [](ClusterConfig& config) {
    config.protocol = Protocol::kDownstream;
    config.name = "d";
  });
  Asker& third = ask();
  settle();
  EXPECT_EQ(third.answers, 1);
}

TEST_F(H2PoolTest, MayBeCancelledAtEveryPoint) {
  origin_.answer_all = true;
  world_.wire.link(origin_.address()).latency = absl::Milliseconds(1);
  start();
  for (int steps = 0; steps < 14; ++steps) {
    Asker& asker = ask();
    Asker& other = ask();
    for (int i = 0; i < steps; ++i) world_.simulation.step(world_.simulation.now() + absl::Milliseconds(50));
    asker.cancel();
    asker.drop();
    settle();
    EXPECT_EQ(other.answers, 1) << steps;
    expectAllPermitsBack();
    if (steps % 2 == 0) {
      cluster_->drain();
      start();
    }
  }
}

}  // namespace
}  // namespace weir::upstream
