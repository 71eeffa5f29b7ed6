#include "source/net/listener.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <memory>
#include <vector>

#include "test/harness/sim/sim_network.h"
#include "test/harness/sim/simulation.h"

namespace weir::net {
namespace {

class Owner final : public ListenerOwner {
 public:
  void onAccept(std::unique_ptr<Socket> socket, const Address& peer) override {
    EXPECT_EQ(socket->remoteAddress(), peer);
    sockets.push_back(std::move(socket));
    if (on_accept) on_accept();
  }
  void onExhausted(int error) override {
    EXPECT_EQ(error, EMFILE);
    ++exhausted;
  }
  std::vector<std::unique_ptr<Socket>> sockets;
  int exhausted = 0;
  std::function<void()> on_accept;
};

class ListenerTest : public testing::Test {
 protected:
  void start(int backlog = 1000) {
    auto socket = network_.bind(*Address::parse("127.0.0.1:0"), {});
    ASSERT_TRUE(socket.ok());
    listener_ = std::make_unique<Listener>(dispatcher_, *std::move(socket), owner_);
    ASSERT_TRUE(listener_->start(backlog).ok());
  }
  void dial(int count) {
    for (int i = 0; i < count; ++i) {
      clients_.push_back(*client_network_.connect(listener_->localAddress(), std::nullopt));
    }
  }

  harness::Simulation simulation_;
  harness::SimWire wire_{simulation_};
  event::Dispatcher& dispatcher_ = simulation_.addDispatcher();
  harness::SimNetwork network_{wire_, dispatcher_};
  harness::SimNetwork client_network_{wire_, simulation_.addDispatcher()};
  Owner owner_;
  std::unique_ptr<Listener> listener_;
  std::vector<std::unique_ptr<Socket>> clients_;
};

TEST_F(ListenerTest, HandsOverEveryConnection) {
  start();
  dial(3);
  simulation_.runUntilIdle();
  EXPECT_EQ(owner_.sockets.size(), 3u);
  dial(2);
  simulation_.runUntilIdle();
  EXPECT_EQ(owner_.sockets.size(), 5u);
}

TEST_F(ListenerTest, AcceptsAFewPerTurn) {
  start();
  listener_->pause(true);
  dial(50);
  simulation_.runUntilIdle();
  listener_->pause(false);
  EXPECT_EQ(owner_.sockets.size(), 0u);
  for (size_t expected : {16, 32, 48, 50}) {
    dispatcher_.turn(false);
    EXPECT_EQ(owner_.sockets.size(), expected);
  }
}

TEST_F(ListenerTest, PausedItLeavesConnectionsInTheQueue) {
  start();
  owner_.on_accept = [&] {
    if (owner_.sockets.size() == 2) listener_->pause(true);
  };
  dial(5);
  simulation_.runUntilIdle();
  EXPECT_EQ(owner_.sockets.size(), 2u);
  listener_->pause(false);
  simulation_.runUntilIdle();
  EXPECT_EQ(owner_.sockets.size(), 5u);
}

TEST_F(ListenerTest, StopHandsOverWhatWaitsAndThenRefuses) {
  start();
  listener_->pause(true);
  dial(40);
  simulation_.runUntilIdle();
  const Address address = listener_->localAddress();
  listener_->pause(false);
  listener_->stop();
  listener_->stop();
  simulation_.runUntilIdle();
  EXPECT_EQ(owner_.sockets.size(), 40u);
  EXPECT_EQ(listener_->localAddress(), address);
  dial(1);
  simulation_.runUntilIdle();
  EXPECT_EQ(owner_.sockets.size(), 40u);
  EXPECT_FALSE(clients_.back()->connectResult().ok());
}

TEST_F(ListenerTest, StopIsNotDelayedByThoseWhoKeepComing) {
  start(8);
  dial(4);
  simulation_.runUntilIdle(absl::ZeroDuration());
  owner_.on_accept = [&] { dial(2); };
  dial(1);
  listener_->stop();
  simulation_.runUntilIdle(absl::ZeroDuration());
  const size_t accepted = owner_.sockets.size();
  simulation_.runFor(absl::Minutes(1));
  EXPECT_EQ(owner_.sockets.size(), accepted);
}

TEST_F(ListenerTest, StopBeforeStartClosesTheSocket) {
  listener_ = std::make_unique<Listener>(dispatcher_, *network_.bind(*Address::parse("127.0.0.1:0"), {}), owner_);
  listener_->stop();
  EXPECT_TRUE(network_.bind(listener_->localAddress(), {.reuse_port = false}).ok());
}

TEST_F(ListenerTest, WithoutDescriptorsItShedsAndBacksOffLonger) {
  start();
  network_.setDescriptorLimit(0);
  std::vector<absl::Duration> waits;
  base::MonotonicTime last = simulation_.now();
  for (int i = 0; i < 8; ++i) {
    dial(20);
    const int before = owner_.exhausted;
    ASSERT_TRUE(simulation_.runUntil([&] { return owner_.exhausted > before; }));
    EXPECT_EQ(owner_.exhausted, before + 1);
    waits.push_back(simulation_.now() - last);
    last = simulation_.now();
  }
  const std::vector<absl::Duration> expected = {
      absl::ZeroDuration(),   absl::Milliseconds(10),  absl::Milliseconds(20),  absl::Milliseconds(40),
      absl::Milliseconds(80), absl::Milliseconds(160), absl::Milliseconds(320), absl::Milliseconds(500)};
  EXPECT_EQ(waits, expected);
  EXPECT_TRUE(owner_.sockets.empty());
  // Descriptors are back: the rest is accepted at the end of the back-off, and the next one begins small again.
  network_.setDescriptorLimit(SIZE_MAX);
  simulation_.runFor(absl::Milliseconds(501));
  const size_t accepted = owner_.sockets.size();
  EXPECT_GT(accepted, 0u);
  network_.setDescriptorLimit(0);
  dial(1);
  const int before = owner_.exhausted;
  simulation_.runUntilIdle(absl::ZeroDuration());
  EXPECT_EQ(owner_.exhausted, before + 1);
  network_.setDescriptorLimit(SIZE_MAX);
  dial(1);
  simulation_.runFor(absl::Milliseconds(11));
  EXPECT_EQ(owner_.sockets.size(), accepted + 1);
}

TEST_F(ListenerTest, DestroyedInBackOffItIsQuiet) {
  start();
  network_.setDescriptorLimit(0);
  dial(5);
  simulation_.runUntilIdle(absl::ZeroDuration());
  EXPECT_EQ(owner_.exhausted, 1);
  listener_.reset();
  simulation_.runFor(absl::Seconds(5));
  EXPECT_EQ(owner_.exhausted, 1);
}

}  // namespace
}  // namespace weir::net
