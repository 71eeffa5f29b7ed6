#include "source/net/connection.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <string>

#include "test/harness/sim/sim_network.h"
#include "test/harness/sim/simulation.h"
#include "test/net/connection_test_session.h"

namespace weir::net {
namespace {

std::string pattern(size_t size) {
  std::string text(size, '\0');
  for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + (i * 7 + i / 251) % 26);
  return text;
}

// One connection under test (near_) on a simulated worker, and its peer (far_) on another.
class ConnectionTest : public testing::Test {
 protected:
  void open(Connection::Limits near_limits = {}, Connection::Limits far_limits = {}) {
    listener_ = *far_network_.bind(*Address::parse("127.0.0.1:0"), {});
    ASSERT_TRUE(listener_->listen(8).ok());
    near_ = dial(listener_->localAddress(), near_limits);
    simulation_.runUntilIdle();
    AcceptResult accepted = listener_->accept();
    ASSERT_EQ(accepted.state, AcceptResult::State::kAccepted);
    far_ = std::make_unique<Connection>(far_dispatcher_, far_blocks_, std::move(accepted.socket), far_limits,
                                        far_session_);
    simulation_.runUntilIdle();
    ASSERT_EQ(near_session_.opens, 1);
    ASSERT_EQ(far_session_.opens, 0);
  }
  std::unique_ptr<Connection> dial(const Address& address, Connection::Limits limits = {},
                                   absl::Duration timeout = absl::Seconds(5)) {
    auto socket = near_network_.connect(address, std::nullopt);
    EXPECT_TRUE(socket.ok());
    return std::make_unique<Connection>(near_dispatcher_, near_blocks_, *std::move(socket), limits, near_session_,
                                        timeout);
  }
  static void send(Connection& connection, std::string_view bytes) {
    connection.output().append(bytes);
    connection.flush();
  }
  // Sends all of `bytes` as room allows.
  void pump(Connection& connection, RecordingSession& session, std::string bytes) {
    auto rest = std::make_shared<std::string>(std::move(bytes));
    session.on_room = [&connection, rest] {
      const size_t n = std::min(connection.room(), rest->size());
      send(connection, std::string_view(*rest).substr(0, n));
      rest->erase(0, n);
    };
    session.on_room();
  }

  harness::Simulation simulation_;
  harness::SimWire wire_{simulation_};
  event::Dispatcher& near_dispatcher_ = simulation_.addDispatcher();
  event::Dispatcher& far_dispatcher_ = simulation_.addDispatcher();
  harness::SimNetwork near_network_{wire_, near_dispatcher_};
  harness::SimNetwork far_network_{wire_, far_dispatcher_};
  buffer::BlockPool near_blocks_, far_blocks_;
  RecordingSession near_session_, far_session_;
  std::unique_ptr<ListenSocket> listener_;
  std::unique_ptr<Connection> near_, far_;
};

TEST_F(ConnectionTest, CarriesBytesBothWays) {
  open();
  send(*near_, "ping");
  EXPECT_EQ(near_->bytesWritten(), 0u);  // only in the flush phase
  simulation_.runUntilIdle();
  EXPECT_EQ(far_session_.received, "ping");
  EXPECT_EQ(near_->bytesWritten(), 4u);
  EXPECT_EQ(far_->bytesRead(), 4u);
  send(*far_, "pong");
  simulation_.runUntilIdle();
  EXPECT_EQ(near_session_.received, "pong");
  EXPECT_EQ(near_->remoteAddress(), listener_->localAddress());
  EXPECT_EQ(near_->localAddress(), far_->remoteAddress());
  EXPECT_EQ(near_blocks_.inUse() + far_blocks_.inUse(), 0u);
}

TEST_F(ConnectionTest, EverySplitOfTheStreamGivesTheSameBytes) {
  const std::string text = pattern(3000);
  for (size_t segment : {1, 2, 3, 7, 16, 1000, 2999}) {
    for (size_t write_limit : {size_t{1}, size_t{5}, size_t{100}, SIZE_MAX}) {
      wire_.defaultLink().segment_bytes = segment;
      wire_.defaultLink().write_limit = write_limit;
      near_session_ = {};
      far_session_ = {};
      open();
      pump(*near_, near_session_, text);
      near_->finishOutput();
      simulation_.runUntilIdle();
      EXPECT_EQ(far_session_.received, text) << segment << " " << write_limit;
      EXPECT_EQ(far_session_.ends, 1);
      near_.reset();
      far_.reset();
    }
  }
}

TEST_F(ConnectionTest, WriterIsBoundByThePeerThatDoesNotRead) {
  wire_.defaultLink().buffer_bytes = 10'000;
  open({.read_bytes = 8 * 1024, .write_bytes = 20'000}, {.read_bytes = 4 * 1024, .write_bytes = 4 * 1024});
  far_->pauseReading(true);
  const std::string text = pattern(200'000);
  pump(*near_, near_session_, text);
  simulation_.runUntilIdle();
  EXPECT_LE(near_->output().size(), 20'000u);
  EXPECT_EQ(near_->bytesWritten(), 10'000u);
  EXPECT_EQ(far_->bytesRead(), 0u);
  far_->pauseReading(false);
  EXPECT_EQ(far_session_.received, "");  // not inside the call
  simulation_.runUntilIdle();
  EXPECT_EQ(far_session_.received, text);
  EXPECT_EQ(near_blocks_.inUse() + far_blocks_.inUse(), 0u);
}

TEST_F(ConnectionTest, ASessionThatLeavesItsInputStopsTheReading) {
  wire_.defaultLink().buffer_bytes = 400'000;
  open({.read_bytes = 32 * 1024, .write_bytes = 1 << 20}, {.read_bytes = 32 * 1024, .write_bytes = 1024});
  far_session_.on_input = [](buffer::Buffer&) {};
  const std::string text = pattern(300'000);
  send(*near_, text);
  simulation_.runUntilIdle();
  const size_t held = far_->input().size();
  EXPECT_GE(held, 32u * 1024);
  EXPECT_LE(held, 32u * 1024 + 64 * 1024);
  EXPECT_EQ(far_->bytesRead(), held);
  std::string taken = far_->input().toString();
  far_session_.on_input = nullptr;
  far_->input().clear();
  far_->consumed();
  EXPECT_EQ(far_session_.received, "");
  simulation_.runUntilIdle();
  EXPECT_EQ(taken + far_session_.received, text);
}

TEST_F(ConnectionTest, ReadsAtMost64KiBPerTurn) {
  wire_.defaultLink().buffer_bytes = 1 << 20;
  open({.read_bytes = 1024, .write_bytes = 1 << 20}, {.read_bytes = 1 << 20, .write_bytes = 1024});
  far_->pauseReading(true);
  send(*near_, pattern(500'000));
  simulation_.runUntilIdle();
  far_->pauseReading(false);
  uint64_t before = 0;
  int turns = 0;
  while (far_dispatcher_.hasWork()) {
    far_dispatcher_.turn(false);
    EXPECT_LE(far_->bytesRead() - before, 64u * 1024 + buffer::Block::kBytes);
    before = far_->bytesRead();
    ++turns;
  }
  EXPECT_EQ(far_->bytesRead(), 500'000u);
  EXPECT_GE(turns, 6);
}

TEST_F(ConnectionTest, RoomIsReportedAtHalfAndWhenWhole) {
  wire_.defaultLink().buffer_bytes = 1000;
  open({.read_bytes = 1024, .write_bytes = 4000});
  far_->pauseReading(true);
  EXPECT_EQ(near_->room(), 4000u);
  send(*near_, pattern(1000));
  simulation_.runUntilIdle();
  EXPECT_EQ(near_session_.rooms, 1);  // whole again
  send(*near_, pattern(4500));
  EXPECT_EQ(near_->room(), 0u);
  simulation_.runUntilIdle();
  EXPECT_EQ(near_session_.rooms, 1);
  far_->pauseReading(false);
  simulation_.runUntilIdle();
  EXPECT_EQ(near_session_.rooms, 3);  // once over half, once whole
  EXPECT_EQ(near_->room(), 4000u);
  EXPECT_EQ(far_session_.received.size(), 5500u);
}

TEST_F(ConnectionTest, HalfCloseEndsOneWayAndBothEndTheConnection) {
  open();
  send(*near_, "question");
  near_->finishOutput();
  EXPECT_EQ(near_->room(), 0u);
  simulation_.runUntilIdle();
  EXPECT_EQ(far_session_.received, "question");
  EXPECT_EQ(far_session_.ends, 1);
  EXPECT_TRUE(far_->inputEnded());
  EXPECT_FALSE(far_session_.closed || near_session_.closed);
  send(*far_, "answer");
  simulation_.runUntilIdle();
  EXPECT_EQ(near_session_.received, "answer");
  far_->finishOutput();
  simulation_.runUntilIdle();
  EXPECT_EQ(near_session_.ends, 1);
  EXPECT_EQ(near_session_.closed, CloseReason::kRemote);
  EXPECT_EQ(far_session_.closed, CloseReason::kRemote);
  EXPECT_EQ(near_->state(), Connection::State::kClosed);
}

TEST_F(ConnectionTest, FinWaitsForTheOutput) {
  wire_.defaultLink().buffer_bytes = 100;
  open();
  far_->pauseReading(true);
  send(*near_, pattern(1000));
  near_->finishOutput();
  simulation_.runUntilIdle();
  EXPECT_FALSE(far_->inputEnded());
  far_->pauseReading(false);
  simulation_.runUntilIdle();
  EXPECT_EQ(far_session_.received.size(), 1000u);
  EXPECT_EQ(far_session_.ends, 1);
}

TEST_F(ConnectionTest, EndAndLastBytesInOneReadAreOneCall) {
  open();
  far_->pauseReading(true);
  send(*near_, "last");
  near_->finishOutput();
  simulation_.runUntilIdle();
  far_->pauseReading(false);
  simulation_.runUntilIdle();
  EXPECT_EQ(far_session_.inputs, 1);
  EXPECT_EQ(far_session_.received, "last");
  EXPECT_EQ(far_session_.ends, 1);
}

TEST_F(ConnectionTest, ResetIsReportedAfterTheBytesBeforeIt) {
  open();
  send(*far_, "last words");
  simulation_.schedule(absl::Milliseconds(1), [&] { far_->close(CloseReason::kLocalReset); });
  near_->pauseReading(true);
  simulation_.runFor(absl::Milliseconds(5));
  far_.reset();
  simulation_.runUntilIdle();
  EXPECT_FALSE(near_session_.closed.has_value());
  near_->pauseReading(false);
  simulation_.runUntilIdle();
  EXPECT_EQ(near_session_.received, "last words");
  EXPECT_EQ(near_session_.ends, 0);
  EXPECT_EQ(near_session_.closed, CloseReason::kRemoteReset);
  EXPECT_EQ(near_->error(), ECONNRESET);
}

TEST_F(ConnectionTest, AnAnswerIsReadAlthoughWritingFails) {
  wire_.defaultLink().buffer_bytes = 2000;
  open();
  far_session_.on_input = [&](buffer::Buffer& input) {  // answers early, reads no more, resets
    input.clear();
    if (far_->bytesWritten() > 0 || far_->output().size() > 0) return;
    send(*far_, "413 too large");
    far_->pauseReading(true);
  };
  near_session_.on_input = [&](buffer::Buffer& input) {
    near_session_.received += input.toString();
    input.clear();
  };
  send(*near_, pattern(30'000));
  simulation_.schedule(absl::Milliseconds(1), [&] { far_.reset(); });
  simulation_.runFor(absl::Milliseconds(10));
  EXPECT_EQ(near_session_.received, "413 too large");
  EXPECT_EQ(near_session_.closed, CloseReason::kRemoteReset);
}

TEST_F(ConnectionTest, CloseTellsLaterAndDropsOutput) {
  open();
  send(*near_, "never sent");
  near_->close(CloseReason::kIdle);
  near_->close(CloseReason::kLocal);
  EXPECT_FALSE(near_session_.closed.has_value());
  simulation_.runUntilIdle();
  EXPECT_EQ(near_session_.closed, CloseReason::kIdle);
  EXPECT_EQ(near_blocks_.inUse(), 0u);
  near_->flush();
  near_->consumed();
  near_.reset();
  simulation_.runUntilIdle();
  EXPECT_EQ(far_session_.received, "");
  EXPECT_EQ(far_session_.ends, 1);
}

TEST_F(ConnectionTest, TheSessionMayCloseInAnyCall) {
  open();
  far_session_.on_input = [&](buffer::Buffer&) { far_->close(CloseReason::kLocal); };
  send(*near_, "x");
  simulation_.runUntilIdle();
  EXPECT_EQ(far_session_.closed, CloseReason::kLocal);
  near_session_.on_room = [&] { near_->close(CloseReason::kLocal); };
  send(*near_, "y");
  simulation_.runUntilIdle();
  EXPECT_EQ(near_session_.closed, CloseReason::kLocal);
}

TEST_F(ConnectionTest, OwnerMayDeleteInOnClose) {
  open();
  far_session_.on_close = [&] { far_dispatcher_.deleteLater(std::move(far_)); };
  far_->close(CloseReason::kLocalReset);
  simulation_.runUntilIdle();
  EXPECT_EQ(far_session_.closed, CloseReason::kLocalReset);
  EXPECT_EQ(far_, nullptr);
  EXPECT_EQ(near_session_.closed, CloseReason::kRemoteReset);
  EXPECT_EQ(far_network_.openSockets(), 0u);
}

TEST_F(ConnectionTest, CloseAfterFlushDeliversAllAndWaitsForThePeer) {
  wire_.defaultLink().buffer_bytes = 500;
  open();
  send(*near_, pattern(5000));
  near_->closeAfterFlush(absl::Seconds(2));
  EXPECT_EQ(near_->state(), Connection::State::kClosing);
  EXPECT_EQ(near_->room(), 0u);
  simulation_.runUntilIdle(absl::Milliseconds(100));
  EXPECT_EQ(far_session_.received, pattern(5000));
  EXPECT_EQ(far_session_.ends, 1);
  EXPECT_FALSE(near_session_.closed.has_value());
  send(*far_, "dropped");
  simulation_.runUntilIdle(absl::Milliseconds(100));
  EXPECT_EQ(near_session_.received, "");
  EXPECT_EQ(near_blocks_.inUse(), 0u);
  far_->finishOutput();
  simulation_.runUntilIdle(absl::Milliseconds(100));
  EXPECT_EQ(near_session_.closed, CloseReason::kLocal);
  EXPECT_EQ(far_session_.closed, CloseReason::kRemote);
}

TEST_F(ConnectionTest, LingeringIsBounded) {
  open();
  send(*near_, "bye");
  const base::MonotonicTime begin = simulation_.now();
  near_->closeAfterFlush(absl::Seconds(2));
  EXPECT_TRUE(simulation_.runUntil([&] { return near_session_.closed.has_value(); }));
  EXPECT_EQ(near_session_.closed, CloseReason::kLocal);
  EXPECT_GE(simulation_.now() - begin, absl::Seconds(2));
  EXPECT_LE(simulation_.now() - begin, absl::Milliseconds(2002));
}

TEST_F(ConnectionTest, CloseAfterFlushWithoutLingerOrAfterTheEndClosesAtOnce) {
  open();
  send(*near_, "bye");
  near_->closeAfterFlush(absl::ZeroDuration());
  EXPECT_FALSE(near_session_.closed.has_value());
  simulation_.runUntilIdle(absl::ZeroDuration());
  EXPECT_EQ(near_session_.closed, CloseReason::kLocal);
  EXPECT_EQ(far_session_.received, "bye");
  send(*far_, "still");
  far_->closeAfterFlush(absl::Seconds(5));
  simulation_.runUntilIdle(absl::ZeroDuration());
  EXPECT_EQ(far_session_.closed, CloseReason::kLocal);
}

TEST_F(ConnectionTest, ConnectFailureAndTimeout) {
  near_ = dial(*Address::parse("127.0.0.1:9"));
  EXPECT_EQ(near_->state(), Connection::State::kConnecting);
  simulation_.runUntilIdle();
  EXPECT_EQ(near_session_.closed, CloseReason::kConnectFailed);
  EXPECT_EQ(near_session_.opens, 0);

  near_session_ = {};
  const Address silent = *Address::parse("127.0.0.1:10");
  wire_.link(silent).black_hole = true;
  const base::MonotonicTime begin = simulation_.now();
  near_ = dial(silent, {}, absl::Milliseconds(250));
  near_->output().append("early");
  near_->flush();
  EXPECT_TRUE(simulation_.runUntil([&] { return near_session_.closed.has_value(); }));
  EXPECT_EQ(near_session_.closed, CloseReason::kConnectTimeout);
  EXPECT_EQ(simulation_.now() - begin, absl::Milliseconds(250));
}

TEST_F(ConnectionTest, OutputBeforeTheOpeningIsSentAfterIt) {
  wire_.defaultLink().latency = absl::Milliseconds(1);
  near_session_.on_open = [&] { EXPECT_EQ(near_->bytesWritten(), 0u); };
  listener_ = *far_network_.bind(*Address::parse("127.0.0.1:0"), {});
  ASSERT_TRUE(listener_->listen(8).ok());
  near_ = dial(listener_->localAddress());
  send(*near_, "early");
  near_->finishOutput();
  simulation_.runUntilIdle();
  far_ = std::make_unique<Connection>(far_dispatcher_, far_blocks_, listener_->accept().socket, Connection::Limits{},
                                      far_session_);
  simulation_.runUntilIdle();
  EXPECT_EQ(far_session_.received, "early");
  EXPECT_EQ(far_session_.ends, 1);
}

TEST_F(ConnectionTest, IdleTimeoutCountsFromTheLastByteEitherWay) {
  open();
  near_->setIdleTimeout(absl::Seconds(10));
  for (int i = 0; i < 6; ++i) {
    simulation_.runFor(absl::Seconds(9));
    send(i % 2 == 0 ? *near_ : *far_, "x");
  }
  simulation_.runFor(absl::Milliseconds(9990));
  EXPECT_FALSE(near_session_.closed.has_value());
  simulation_.runFor(absl::Milliseconds(20));
  EXPECT_EQ(near_session_.closed, CloseReason::kIdle);
}

TEST_F(ConnectionTest, IdleTimeoutCanBeSwitchedOff) {
  open();
  near_->setIdleTimeout(absl::Seconds(10));
  near_->setIdleTimeout(absl::InfiniteDuration());
  far_->setIdleTimeout(absl::Seconds(1));
  far_->setIdleTimeout(absl::ZeroDuration());
  simulation_.runFor(absl::Hours(3));
  EXPECT_FALSE(near_session_.closed || far_session_.closed);
}

TEST_F(ConnectionTest, AnotherSessionCanTakeOver) {
  open();
  send(*far_, "one");
  simulation_.runUntilIdle();
  RecordingSession other;
  near_->setSession(other);
  send(*far_, "two");
  simulation_.runUntilIdle();
  EXPECT_EQ(near_session_.received, "one");
  EXPECT_EQ(other.received, "two");
  near_.reset();
}

TEST(CloseReasonTest, EveryReasonHasAName) {
  for (CloseReason reason :
       {CloseReason::kLocal, CloseReason::kLocalReset, CloseReason::kRemote, CloseReason::kRemoteReset,
        CloseReason::kConnectFailed, CloseReason::kConnectTimeout, CloseReason::kIdle}) {
    EXPECT_NE(closeReasonName(reason), "unknown");
  }
}

}  // namespace
}  // namespace weir::net
