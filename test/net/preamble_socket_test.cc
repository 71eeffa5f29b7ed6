#include "source/net/preamble_socket.h"

#include <memory>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "test/harness/sim/sim_network.h"
#include "test/harness/sim/simulation.h"
#include "test/net/connection_test_session.h"

namespace weir::net {
namespace {

class PreambleSocketTest : public testing::Test {
 protected:
  // Connects, and says `preamble`.
  void dial(const std::string& preamble) {
    listener_ = *far_network_.bind(*Address::parse("127.0.0.1:0"), {});
    ASSERT_TRUE(listener_->listen(8).ok());
    near_ = connectionTo(listener_->localAddress(), preamble);
  }
  std::unique_ptr<Connection> connectionTo(const Address& address, const std::string& preamble) {
    auto socket = near_network_.connect(address, std::nullopt);
    return std::make_unique<Connection>(near_dispatcher_, near_blocks_,
                                        std::make_unique<PreambleSocket>(*std::move(socket), preamble),
                                        Connection::Limits{}, static_cast<Session&>(near_session_), absl::Seconds(5));
  }
  void accept() {
    AcceptResult accepted = listener_->accept();
    ASSERT_EQ(accepted.state, AcceptResult::State::kAccepted);
    far_ = std::make_unique<Connection>(far_dispatcher_, far_blocks_, std::move(accepted.socket), Connection::Limits{},
                                        static_cast<Session&>(far_session_));
  }
  static void send(Connection& connection, std::string_view bytes) {
    connection.output().append(bytes);
    connection.flush();
  }

  harness::Simulation simulation_;
  harness::SimWire wire_{simulation_};
  event::Dispatcher& near_dispatcher_ = simulation_.addDispatcher();
  event::Dispatcher& far_dispatcher_ = simulation_.addDispatcher();
  harness::SimNetwork near_network_{wire_, near_dispatcher_};
  harness::SimNetwork far_network_{wire_, far_dispatcher_};
  buffer::BlockPool near_blocks_;
  buffer::BlockPool far_blocks_;
  RecordingSession near_session_;
  RecordingSession far_session_;
  std::unique_ptr<ListenSocket> listener_;
  std::unique_ptr<Connection> near_;
  std::unique_ptr<Connection> far_;
};

TEST_F(PreambleSocketTest, ItIsSaidEvenIfThePeerIsToSpeakFirst) {
  dial("hello ");
  simulation_.runUntilIdle();
  accept();
  simulation_.runUntilIdle();
  EXPECT_EQ(near_session_.opens, 1);
  EXPECT_EQ(far_session_.received, "hello ");
  send(*far_, "who is it?");
  simulation_.runUntilIdle();
  EXPECT_EQ(near_session_.received, "who is it?");
  send(*near_, "me");
  simulation_.runUntilIdle();
  EXPECT_EQ(far_session_.received, "hello me");
}

TEST_F(PreambleSocketTest, NothingOvertakesWhatTheKernelDoesNotTakeAtOnce) {
  wire_.defaultLink().buffer_bytes = 1000;
  wire_.defaultLink().write_limit = 300;
  wire_.defaultLink().segment_bytes = 7;
  const std::string preamble(5000, 'p');
  dial(preamble);
  near_session_.on_open = [this] { send(*near_, "data"); };
  simulation_.runUntilIdle();
  accept();
  simulation_.runUntilIdle();
  EXPECT_EQ(far_session_.received, preamble + "data");
}

TEST_F(PreambleSocketTest, AllOfItComesWithoutData) {
  wire_.defaultLink().buffer_bytes = 1000;
  const std::string preamble(5000, 'p');
  dial(preamble);
  simulation_.runUntilIdle();
  accept();
  simulation_.runUntilIdle();
  EXPECT_EQ(far_session_.received, preamble);
}

TEST_F(PreambleSocketTest, TheEndComesBehindIt) {
  wire_.defaultLink().buffer_bytes = 1000;
  const std::string preamble(5000, 'p');
  dial(preamble);
  near_session_.on_open = [this] { near_->finishOutput(); };
  simulation_.runUntilIdle();
  accept();
  simulation_.runUntilIdle();
  EXPECT_EQ(far_session_.received, preamble);
  EXPECT_EQ(far_session_.ends, 1);
}

TEST_F(PreambleSocketTest, AFailedConnectIsToldAsOne) {
  near_ = connectionTo(*Address::parse("127.0.0.1:9"), "hello");
  simulation_.runUntilIdle();
  EXPECT_EQ(near_session_.opens, 0);
  EXPECT_EQ(near_session_.closed, CloseReason::kConnectFailed);
}

}  // namespace
}  // namespace weir::net
