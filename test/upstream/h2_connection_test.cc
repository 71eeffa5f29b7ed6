// What ends an HTTP/2 connection to a host: deadlines, silence, errors, limits; and how its streams share it.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "source/upstream/upstream_connection.h"
#include "test/upstream/h2_pool_fixture.h"

namespace weir::upstream {
namespace {

using http::Reason;
using http::h2::data;
using http::h2::frame;
using http::h2::headers;
using http::h2::ok;

class H2ConnectionTest : public H2PoolFixture {
 protected:
  // A POST with so many bytes of body, as soon as its stream is open.
  Asker& askWithBody(size_t bytes) {
    Asker& asker = ask();
    asker.send_at_once = false;
    asker.on_open = [this, &asker, bytes] {
      buffer::BlockPool& blocks = world_.worker().blocks;
      asker.send(http::Part::makeHead(asker.newRequest("POST"), blocks));
      buffer::Buffer body(blocks);
      body.append(std::string(bytes, 'x'));
      asker.send(http::Part::makeData(std::move(body)));
      asker.send(http::Part::makeEnd(nullptr, blocks));
    };
    return asker;
  }
  static void keepAlive(ClusterConfig& config, absl::Duration interval, absl::Duration timeout) {
    http::KeepaliveOptions& options = config.h2_keepalive.emplace();
    options.interval = interval;
    options.timeout = timeout;
    options.jitter_percent = 0;
  }
};

TEST_F(H2ConnectionTest, ClosesAfterItsLastRequest) {
  start([](ClusterConfig& config) { config.max_requests_per_connection = 3; });
  askMany(4);
  settle();
  ASSERT_EQ(origin_.connections.size(), 2u);
  EXPECT_EQ(origin_.at(0).waiting.size(), 3u);
  EXPECT_EQ(counter("upstream_cx_max_requests"), 1u);
  origin_.answerWaiting(origin_.at(0));
  settle();
  EXPECT_EQ(answers(), 3);
  EXPECT_EQ(cluster_->connections(), 1u);
  expectAllPermitsBackBut(1);
}

TEST_F(H2ConnectionTest, TimesOutOnlyWhileNoStreamIsOut) {
  start([](ClusterConfig& config) { config.idle_timeout = absl::Seconds(5); });
  ask();
  pass(absl::Seconds(20));
  EXPECT_EQ(cluster_->connections(), 1u);
  origin_.answerWaiting(origin_.at(0));
  settle();
  pass(absl::Seconds(4));
  EXPECT_EQ(cluster_->connections(), 1u);
  pass(absl::Seconds(2));
  EXPECT_EQ(cluster_->connections(), 0u);
  EXPECT_EQ(counter("upstream_cx_idle_timeout"), 1u);
}

TEST_F(H2ConnectionTest, AtItsMaximumAgeTakesNoMoreStreamsAndLetsTheOthersEnd) {
  start([](ClusterConfig& config) { config.max_connection_duration = absl::Seconds(5); });
  askMany(2);
  pass(absl::Seconds(6));
  EXPECT_EQ(counter("upstream_cx_max_duration_reached"), 1u);
  ask();
  settle();
  EXPECT_EQ(origin_.connections.size(), 2u);
  origin_.answer(origin_.at(0), 1);
  settle();
  EXPECT_EQ(cluster_->connections(), 2u);
  origin_.answer(origin_.at(0), 3);
  settle();
  EXPECT_EQ(answers(), 2);
  EXPECT_EQ(cluster_->connections(), 1u);
}

TEST_F(H2ConnectionTest, DrainingEndsItAfterItsStreams) {
  start();
  askMany(2);
  settle();
  cluster_->drain();
  settle();
  EXPECT_EQ(cluster_->connections(), 1u);
  origin_.answerWaiting(origin_.at(0));
  settle();
  EXPECT_EQ(answers(), 2);
  EXPECT_EQ(cluster_->connections(), 0u);
  expectAllPermitsBack();
}

TEST_F(H2ConnectionTest, APeerThatAnswersPingsIsKept) {
  start([](ClusterConfig& config) { keepAlive(config, absl::Seconds(10), absl::Seconds(2)); });
  ask();
  pass(absl::Seconds(65));
  EXPECT_EQ(origin_.at(0).pings, 6u);
  EXPECT_EQ(cluster_->connections(), 1u);
  EXPECT_EQ(counter("http2.keepalive_timeout"), 0u);
}

TEST_F(H2ConnectionTest, APeerThatDoesNotAnswerPingsIsDead) {
  origin_.answer_pings = false;
  start([](ClusterConfig& config) { keepAlive(config, absl::Seconds(10), absl::Seconds(2)); });
  Asker& asker = ask();
  pass(absl::Milliseconds(11900));
  EXPECT_EQ(asker.broken, Reason::kNone);
  pass(absl::Milliseconds(200));
  EXPECT_EQ(asker.broken, Reason::kUpstreamReset);
  EXPECT_FALSE(asker.unprocessed);
  EXPECT_EQ(counter("http2.keepalive_timeout"), 1u);
  EXPECT_EQ(cluster_->connections(), 0u);
  expectAllPermitsBack();
}

TEST_F(H2ConnectionTest, WhateverComesPutsTheEndOff) {
  origin_.answer_pings = false;
  start([](ClusterConfig& config) { keepAlive(config, absl::Seconds(10), absl::Seconds(2)); });
  ask();
  for (int i = 0; i < 20; ++i) {
    pass(absl::Seconds(1));
    origin_.write(origin_.at(0), http::h2::ping());
  }
  EXPECT_EQ(cluster_->connections(), 1u);
  pass(absl::Seconds(3));
  EXPECT_EQ(cluster_->connections(), 0u);
}

TEST_F(H2ConnectionTest, ALongQuietConnectionIsAskedBeforeItIsUsed) {
  start([](ClusterConfig& config) {
    keepAlive(config, absl::ZeroDuration(), absl::Seconds(1));
    config.h2_keepalive->idle_interval = absl::Seconds(30);
  });
  warmUp();
  ask();
  settle();
  EXPECT_EQ(origin_.at(0).pings, 0u);
  origin_.answer_pings = false;
  pass(absl::Seconds(31));
  Asker& late = ask();
  settle();
  EXPECT_EQ(origin_.at(0).pings, 1u);
  pass(absl::Seconds(2));
  EXPECT_EQ(late.broken, Reason::kUpstreamReset);
  EXPECT_EQ(cluster_->connections(), 0u);
}

TEST_F(H2ConnectionTest, AProtocolErrorEndsItWithGoaway) {
  start();
  askMany(2);
  settle();
  origin_.write(origin_.at(0), frame(http::h2::kDataFrame, 0, 0, "x"));  // DATA belongs to a stream
  settle();
  EXPECT_EQ(origin_.at(0).goaway, 1u);
  EXPECT_NE(askers_[0]->broken, Reason::kNone);
  EXPECT_NE(askers_[1]->broken, Reason::kNone);
  EXPECT_EQ(unprocessed(), 0);
  EXPECT_EQ(counter("upstream_cx_protocol_error"), 1u);
  EXPECT_EQ(counter("http2.protocol_error"), 1u);
  EXPECT_EQ(cluster_->connections(), 0u);
  expectAllPermitsBack();
}

struct FloodRow {
  const char* counter;
  std::string once;
  int times;
};

TEST_F(H2ConnectionTest, AFloodEndsItWithItsOwnCounter) {
  start();
  std::string unknown = frame(0x60, 0, 0, "");
  const FloodRow rows[] = {
      {"http2.inbound_ping_flood", http::h2::ping(), 2000},
      {"http2.inbound_settings_flood", http::h2::settings(), 200},
      {"http2.inbound_empty_frames_flood", data(1, ""), 500},
      {"http2.inbound_unknown_frames_flood", unknown, 500},
      {"http2.inbound_window_update_frames_flood", http::h2::window(0, 1), 500},
  };
  for (const FloodRow& row : rows) {
    Asker& asker = ask();
    settle();
    H2Origin::Connection& connection = *origin_.connections.back();
    origin_.write(connection, headers(1, ok(), false));
    for (int i = 0; i < row.times; ++i) origin_.write(connection, row.once);
    settle();
    EXPECT_EQ(counter(row.counter), 1u) << row.counter;
    EXPECT_NE(asker.broken, Reason::kNone) << row.counter;
    EXPECT_EQ(cluster_->connections(), 0u) << row.counter;
  }
  EXPECT_EQ(counter("upstream_cx_protocol_error"), std::size(rows));
}

// As much as one turn reads: the connection is woken to go on reading before there is anything to write.
TEST_F(H2ConnectionTest, CreditIsGivenBackInTheTurnThatReadAsMuchAsItMay) {
  start([](ClusterConfig& config) { config.h2.initial_stream_window = 64 * 1024; });
  warmUp();
  ask();
  settle();
  H2Origin::Connection& connection = origin_.at(0);
  std::string all = headers(3, ok(), false);
  for (int i = 0; i < 4; ++i) all += data(3, std::string(16 * 1024, 'x'), false);
  origin_.write(connection, all);
  settle();
  EXPECT_EQ(askers_.back()->body_bytes, 64u * 1024);
  EXPECT_GE(connection.stream_windows, 1u);
}

TEST_F(H2ConnectionTest, AReaderThatIsSlowStallsItsOwnStreamAlone) {
  start();
  Asker& slow = ask();
  slow.take_data = false;
  Asker& fast = ask();
  settle();
  H2Origin::Connection& connection = origin_.at(0);
  std::string body = headers(1, ok(), false);
  for (int i = 0; i < 4; ++i) body += data(1, std::string(16000, 'x'));
  origin_.write(connection, body);
  settle();
  origin_.answer(connection, 3, "hello");
  settle();
  EXPECT_EQ(fast.answers, 1);
  EXPECT_EQ(fast.body_bytes, 5u);
  EXPECT_EQ(slow.body_bytes, 0u);
  slow.takeAgain();
  settle();
  EXPECT_EQ(slow.body_bytes, 64000u);
  origin_.write(connection, data(1, "y", true));
  settle();
  EXPECT_EQ(slow.answers, 1);
}

TEST_F(H2ConnectionTest, ARequestThatThePeerDoesNotLetThroughIsResetOnceItIsAnswered) {
  start();
  Asker& asker = askWithBody(64 * 1024);  // a byte above the window of the peer
  settle();
  EXPECT_EQ(origin_.at(0).data_bytes, 65535u);
  origin_.answer(origin_.at(0), 1);
  settle();
  EXPECT_EQ(asker.answers, 1);
  EXPECT_EQ(origin_.at(0).resets, (std::vector<uint32_t>{1}));
  Asker& other = ask();
  settle();
  origin_.answer(origin_.at(0), 3);
  settle();
  EXPECT_EQ(other.answers, 1);
  EXPECT_EQ(cluster_->connections(), 1u);
  expectAllPermitsBack();
}

TEST_F(H2ConnectionTest, AStreamGivenUpIsResetAndTheConnectionStays) {
  start();
  askMany(3);
  settle();
  askers_[1]->drop();
  settle();
  EXPECT_EQ(origin_.at(0).resets, (std::vector<uint32_t>{3}));
  origin_.answerWaiting(origin_.at(0));
  settle();
  EXPECT_EQ(answers(), 2);
  EXPECT_EQ(cluster_->connections(), 1u);
  expectAllPermitsBack();
}

TEST_F(H2ConnectionTest, OutlivesItsSocketUntilTheLastStreamIsReleased) {
  start();
  askMany(2);
  settle();
  for (const auto& asker : askers_) asker->keep_stream = true;
  origin_.answerWaiting(origin_.at(0));
  settle();
  world_.wire.resetAll(origin_.address());
  settle();
  EXPECT_EQ(answers(), 2);
  EXPECT_EQ(cluster_->connections(), 0u);
  EXPECT_EQ(cluster_->cluster().breaker(Priority::kDefault).requests.used(), 2u);
  askers_[0]->drop();
  settle();
  EXPECT_EQ(cluster_->cluster().breaker(Priority::kDefault).requests.used(), 1u);
  askers_[1]->drop();
  settle();
  expectAllPermitsBack();
}

TEST_F(H2ConnectionTest, APeerThatClosesWhileIdleIsForgotten) {
  start();
  warmUp();
  origin_.at(0).peer->connection().close(net::CloseReason::kLocal);
  settle();
  EXPECT_EQ(cluster_->connections(), 0u);
  ask();
  settle();
  EXPECT_EQ(origin_.connections.size(), 2u);
}

}  // namespace
}  // namespace weir::upstream
