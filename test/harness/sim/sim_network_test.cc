#include "test/harness/sim/sim_network.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

namespace weir::harness {
namespace {

using net::AcceptResult;
using net::Address;
using net::IoResult;
using net::Socket;

class Edges final : public event::ReadyHandler {
 public:
  void onReady(event::Readiness ready) override {
    readable += ready.readable;
    writable += ready.writable;
    closed += ready.closed;
  }
  int readable = 0, writable = 0, closed = 0;
};

IoResult send(Socket& socket, std::string_view bytes) {
  iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
  return socket.write({&piece, 1});
}

// Up to `max` bytes; the state of the read that gave nothing comes back in `state`.
std::string receive(Socket& socket, IoResult::State* state = nullptr, size_t max = 1 << 20) {
  std::string all;
  for (;;) {
    std::string bytes(max - all.size(), '\0');
    iovec piece{bytes.data(), bytes.size()};
    const IoResult result = socket.read({&piece, 1});
    if (state != nullptr) *state = result.state;
    if (result.state != IoResult::State::kOk) return all;
    all += bytes.substr(0, result.bytes);
    if (all.size() == max) return all;
  }
}

class SimNetworkTest : public testing::Test {
 protected:
  std::unique_ptr<net::ListenSocket> listen(const std::string& text, int backlog = 16) {
    auto bound = network_.bind(*Address::parse(text), {});
    EXPECT_TRUE(bound.ok()) << bound.status();
    (*bound)->watch(listen_edges_);
    EXPECT_TRUE((*bound)->listen(backlog).ok());
    return *std::move(bound);
  }
  std::unique_ptr<Socket> connect(const Address& address) {
    auto socket = network_.connect(address, std::nullopt);
    EXPECT_TRUE(socket.ok()) << socket.status();
    (*socket)->watch(client_edges_);
    return *std::move(socket);
  }
  // An open connection between client_ and server_.
  void open() {
    listener_ = listen("127.0.0.1:0");
    client_ = connect(listener_->localAddress());
    simulation_.runUntilIdle();
    AcceptResult accepted = listener_->accept();
    ASSERT_EQ(accepted.state, AcceptResult::State::kAccepted);
    server_ = std::move(accepted.socket);
    server_->watch(server_edges_);
    simulation_.runUntilIdle();
    client_edges_ = server_edges_ = {};
  }

  Simulation simulation_;
  SimWire wire_{simulation_};
  event::Dispatcher& dispatcher_ = simulation_.addDispatcher();
  SimNetwork network_{wire_, dispatcher_};
  Edges listen_edges_, client_edges_, server_edges_;
  std::unique_ptr<net::ListenSocket> listener_;
  std::unique_ptr<Socket> client_, server_;
};

TEST_F(SimNetworkTest, ConnectsAndNamesBothEnds) {
  auto listener = listen("127.0.0.1:0");
  EXPECT_NE(listener->localAddress().port(), 0);
  auto client = connect(listener->localAddress());
  EXPECT_EQ(listener->accept().state, AcceptResult::State::kNone);
  simulation_.runUntilIdle();
  EXPECT_EQ(listen_edges_.readable, 1);
  EXPECT_EQ(client_edges_.writable, 1);
  EXPECT_TRUE(client->connectResult().ok());
  AcceptResult accepted = listener->accept();
  ASSERT_EQ(accepted.state, AcceptResult::State::kAccepted);
  EXPECT_EQ(accepted.peer, client->localAddress());
  EXPECT_EQ(accepted.socket->localAddress(), listener->localAddress());
  EXPECT_EQ(accepted.socket->remoteAddress(), client->localAddress());
  EXPECT_EQ(wire_.openConnections(listener->localAddress()), 1u);
}

TEST_F(SimNetworkTest, BytesComeInOrderWithOneEdgeAndTakeTheirTime) {
  wire_.defaultLink().latency = absl::Milliseconds(3);
  open();
  const base::MonotonicTime begin = simulation_.now();
  EXPECT_EQ(send(*client_, "hello ").bytes, 6u);
  EXPECT_EQ(send(*client_, "world").bytes, 5u);
  IoResult::State state;
  EXPECT_EQ(receive(*server_, &state), "");
  EXPECT_EQ(state, IoResult::State::kWouldBlock);
  simulation_.runUntilIdle();
  EXPECT_EQ(simulation_.now() - begin, absl::Milliseconds(3));
  EXPECT_GE(server_edges_.readable, 1);
  EXPECT_EQ(receive(*server_), "hello world");
  const int edges = server_edges_.readable;
  simulation_.runUntilIdle();
  EXPECT_EQ(server_edges_.readable, edges);
}

TEST_F(SimNetworkTest, AFullPipeBlocksTheWriterUntilThereIsRoomAgain) {
  wire_.defaultLink().buffer_bytes = 300;
  open();
  EXPECT_EQ(send(*client_, std::string(1000, 'a')).bytes, 300u);
  EXPECT_EQ(send(*client_, "b").state, IoResult::State::kWouldBlock);
  simulation_.runUntilIdle();
  EXPECT_EQ(client_edges_.writable, 0);
  EXPECT_EQ(receive(*server_, nullptr, 50).size(), 50u);
  simulation_.runUntilIdle();
  EXPECT_EQ(client_edges_.writable, 0);
  EXPECT_EQ(receive(*server_, nullptr, 50).size(), 50u);
  simulation_.runUntilIdle();
  EXPECT_EQ(client_edges_.writable, 1);
  EXPECT_EQ(send(*client_, std::string(1000, 'a')).bytes, 100u);
}

TEST_F(SimNetworkTest, SegmentsArriveOneByOne) {
  wire_.defaultLink().segment_bytes = 1;
  open();
  EXPECT_EQ(send(*client_, "abc").bytes, 3u);
  simulation_.runUntilIdle();
  EXPECT_EQ(server_edges_.readable, 3);
  EXPECT_EQ(receive(*server_), "abc");
}

TEST_F(SimNetworkTest, ShortWritesGetTheirEdge) {
  wire_.defaultLink().write_limit = 4;
  open();
  EXPECT_EQ(send(*client_, "abcdefg").bytes, 4u);
  simulation_.runUntilIdle();
  EXPECT_EQ(client_edges_.writable, 1);
  EXPECT_EQ(send(*client_, "efg").bytes, 3u);
  simulation_.runUntilIdle();
  EXPECT_EQ(client_edges_.writable, 1);
  EXPECT_EQ(receive(*server_), "abcdefg");
}

TEST_F(SimNetworkTest, HalfCloseLetsTheOtherWayFlow) {
  open();
  send(*client_, "question");
  client_->shutdownWrite();
  EXPECT_EQ(send(*client_, "x").error, EPIPE);
  simulation_.runUntilIdle();
  EXPECT_EQ(server_edges_.closed, 1);
  IoResult::State state;
  EXPECT_EQ(receive(*server_, &state), "question");
  EXPECT_EQ(state, IoResult::State::kEnd);
  send(*server_, "answer");
  simulation_.runUntilIdle();
  EXPECT_EQ(receive(*client_, &state), "answer");
  EXPECT_EQ(state, IoResult::State::kWouldBlock);
  server_.reset();
  simulation_.runUntilIdle();
  receive(*client_, &state);
  EXPECT_EQ(state, IoResult::State::kEnd);
}

TEST_F(SimNetworkTest, ResetLetsReadWhatHadComeAndThenFails) {
  open();
  send(*server_, "last words");
  server_->resetOnClose();
  server_.reset();
  simulation_.runUntilIdle();
  EXPECT_EQ(client_edges_.closed, 1);
  iovec piece;
  char bytes[64];
  piece = {bytes, sizeof(bytes)};
  EXPECT_EQ(client_->read({&piece, 1}).bytes, 10u);
  const IoResult failed = client_->read({&piece, 1});
  EXPECT_EQ(failed.state, IoResult::State::kFailed);
  EXPECT_EQ(failed.error, ECONNRESET);
  EXPECT_EQ(send(*client_, "x").error, EPIPE);
}

TEST_F(SimNetworkTest, ClosingWithUnreadBytesResets) {
  open();
  send(*client_, "never read");
  simulation_.runUntilIdle();
  server_.reset();
  simulation_.runUntilIdle();
  IoResult::State state;
  receive(*client_, &state);
  EXPECT_EQ(state, IoResult::State::kFailed);
}

TEST_F(SimNetworkTest, SendingToAClosedSocketIsAnsweredByReset) {
  open();
  server_.reset();
  simulation_.runUntilIdle();
  EXPECT_EQ(send(*client_, "x").bytes, 1u);
  simulation_.runUntilIdle();
  EXPECT_EQ(send(*client_, "x").error, ECONNRESET);
}

TEST_F(SimNetworkTest, NobodyListeningRefuses) {
  auto client = connect(*Address::parse("127.0.0.1:9"));
  simulation_.runUntilIdle();
  EXPECT_EQ(client_edges_.closed, 1);
  EXPECT_EQ(client->connectResult().message(), "cannot connect to 127.0.0.1:9: Connection refused (ECONNREFUSED)");
}

TEST_F(SimNetworkTest, ScriptedRefusalAndBlackHole) {
  auto listener = listen("127.0.0.1:0");
  wire_.link(listener->localAddress()).refuse = true;
  auto refused = connect(listener->localAddress());
  simulation_.runUntilIdle();
  EXPECT_FALSE(refused->connectResult().ok());
  wire_.link(listener->localAddress()) = {.black_hole = true};
  client_edges_ = {};
  auto waiting = connect(listener->localAddress());
  simulation_.runFor(absl::Hours(1));
  EXPECT_EQ(client_edges_.readable + client_edges_.writable + client_edges_.closed, 0);
}

TEST_F(SimNetworkTest, AFullBacklogDelaysTheHandshake) {
  auto listener = listen("127.0.0.1:0", 1);
  auto first = connect(listener->localAddress());
  auto second = connect(listener->localAddress());
  simulation_.runUntilIdle(absl::Milliseconds(500));
  EXPECT_EQ(client_edges_.writable, 1);
  AcceptResult accepted = listener->accept();
  EXPECT_EQ(accepted.state, AcceptResult::State::kAccepted);
  simulation_.runFor(absl::Seconds(2));
  EXPECT_EQ(client_edges_.writable, 2);
}

TEST_F(SimNetworkTest, DescriptorLimitShedsAndFails) {
  auto listener = listen("127.0.0.1:0");
  auto client = connect(listener->localAddress());
  simulation_.runUntilIdle();
  network_.setDescriptorLimit(1);
  EXPECT_EQ(network_.connect(listener->localAddress(), std::nullopt).status().code(),
            absl::StatusCode::kResourceExhausted);
  AcceptResult shed = listener->accept();
  EXPECT_EQ(shed.state, AcceptResult::State::kExhausted);
  EXPECT_EQ(shed.error, EMFILE);
  EXPECT_EQ(listener->accept().state, AcceptResult::State::kNone);
  simulation_.runUntilIdle();
  IoResult::State state;
  receive(*client, &state);
  EXPECT_EQ(state, IoResult::State::kEnd);
  client.reset();
  EXPECT_EQ(network_.openSockets(), 0u);
}

TEST_F(SimNetworkTest, ScriptedResetAfterSomeBytesOfTheResponse) {
  wire_.defaultLink().reset_after_response = 5;
  wire_.defaultLink().segment_bytes = 1;
  open();
  send(*server_, "0123456789");
  simulation_.runUntilIdle();
  IoResult::State state;
  EXPECT_EQ(receive(*client_, &state), "01234");
  EXPECT_EQ(state, IoResult::State::kFailed);
  receive(*server_, &state);
  EXPECT_EQ(state, IoResult::State::kFailed);
}

TEST_F(SimNetworkTest, ResetAllBreaksBothEnds) {
  open();
  EXPECT_EQ(wire_.resetAll(listener_->localAddress()), 1u);
  simulation_.runUntilIdle();
  EXPECT_EQ(client_edges_.closed, 1);
  EXPECT_EQ(server_edges_.closed, 1);
  EXPECT_EQ(wire_.openConnections(listener_->localAddress()), 0u);
}

TEST_F(SimNetworkTest, BindRefusesAnAddressInUseAndSharesWithReusePort) {
  auto first = network_.bind(*Address::parse("127.0.0.1:80"), {.reuse_port = true});
  ASSERT_TRUE(first.ok());
  EXPECT_TRUE(network_.bind(*Address::parse("127.0.0.1:80"), {.reuse_port = true}).ok());
  EXPECT_EQ(network_.bind(*Address::parse("127.0.0.1:80"), {.reuse_port = false}).status().message(),
            "cannot bind 127.0.0.1:80: Address already in use (EADDRINUSE)");
}

TEST_F(SimNetworkTest, WildcardsTakeEveryAddressOfTheirFamily) {
  auto four = listen("0.0.0.0:81");
  auto client = connect(*Address::parse("10.1.2.3:81"));
  auto six = connect(*Address::parse("[::1]:81"));
  simulation_.runUntilIdle();
  EXPECT_TRUE(client->connectResult().ok());
  EXPECT_FALSE(six->connectResult().ok());
}

TEST_F(SimNetworkTest, ClosingAListenerResetsWhatWaits) {
  auto listener = listen("127.0.0.1:0");
  auto client = connect(listener->localAddress());
  simulation_.runUntilIdle();
  listener.reset();
  simulation_.runUntilIdle();
  IoResult::State state;
  receive(*client, &state);
  EXPECT_EQ(state, IoResult::State::kFailed);
}

}  // namespace
}  // namespace weir::harness
