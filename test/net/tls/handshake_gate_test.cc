#include "source/net/tls/handshake_gate.h"

#include <gtest/gtest.h>

#include "test/harness/sim/simulation.h"

namespace weir::net::tls {
namespace {

// What a socket does at the gate: it asks, and asks again in the flush phase of each turn. A step takes a while.
class Waiter final : public event::Wakeable {
 public:
  Waiter(event::Dispatcher& dispatcher, HandshakeGate& gate, harness::Simulation& simulation, absl::Duration cost,
         std::vector<const Waiter*>& order)
      : Wakeable(dispatcher, event::Phase::kFlush),
        dispatcher_(dispatcher),
        gate_(gate),
        simulation_(simulation),
        cost_(cost),
        order_(order) {}
  ~Waiter() override {
    if (waits_) gate_.leave();
  }

  void ask() {
    const bool admitted = gate_.enter(waits_);
    waits_ = !admitted;
    if (!admitted) return wake();
    order_.push_back(this);
    turn = dispatcher_.now();
    simulation_.clock().moveTo(simulation_.now() + cost_);
  }
  base::MonotonicTime turn;

 private:
  void onWake() override { ask(); }

  event::Dispatcher& dispatcher_;
  HandshakeGate& gate_;
  harness::Simulation& simulation_;
  absl::Duration cost_;
  std::vector<const Waiter*>& order_;
  bool waits_ = false;
};

class HandshakeGateTest : public testing::Test {
 protected:
  void queue(size_t count, absl::Duration cost) {
    for (size_t i = 0; i < count; ++i) {
      waiters.push_back(std::make_unique<Waiter>(dispatcher, gate, simulation, cost, order));
    }
    dispatcher.post([this] {
      for (const auto& waiter : waiters) waiter->ask();
    });
  }
  // Turns until nobody waits; the longest of them.
  absl::Duration longestTurn() {
    absl::Duration longest;
    do {
      dispatcher.turn(false);
      ++turns;
      longest = std::max(longest, simulation.now() - dispatcher.now());
    } while (gate.waiting() > 0 && turns < 100000);
    return longest;
  }

  harness::Simulation simulation;
  event::Dispatcher& dispatcher = simulation.addDispatcher();
  HandshakeGates gates;
  HandshakeGate& gate = gates.on(dispatcher);
  std::vector<std::unique_ptr<Waiter>> waiters;
  std::vector<const Waiter*> order;
  int turns = 0;
};

TEST_F(HandshakeGateTest, AThousandThatComeAtOnceShareManyTurnsInTheirOrder) {
  queue(1000, absl::Microseconds(300));
  EXPECT_LT(longestTurn(), HandshakeGate::kPerTurn + absl::Microseconds(300));
  ASSERT_EQ(order.size(), 1000u);
  for (size_t i = 0; i < order.size(); ++i) EXPECT_EQ(order[i], waiters[i].get());
  EXPECT_GE(turns, 1000 / 7);
}

TEST_F(HandshakeGateTest, WhatIsSlowerThanTheTimeOfATurnGoesOnOneByOne) {
  queue(10, absl::Milliseconds(5));
  EXPECT_EQ(longestTurn(), absl::Milliseconds(5));
  EXPECT_EQ(order.size(), 10u);
}

TEST_F(HandshakeGateTest, OneIsAdmittedInATurnThatIsLateAlready) {
  dispatcher.post([this] { simulation.clock().moveTo(simulation.now() + absl::Milliseconds(50)); });
  queue(2, absl::Milliseconds(1));
  dispatcher.turn(false);
  EXPECT_EQ(order.size(), 1u);
}

TEST_F(HandshakeGateTest, WhoLeavesIsNotWaitedFor) {
  queue(3, absl::Milliseconds(5));
  dispatcher.turn(false);
  EXPECT_EQ(gate.waiting(), 2u);
  waiters[1].reset();
  EXPECT_EQ(gate.waiting(), 1u);
  dispatcher.turn(false);
  EXPECT_EQ(gate.waiting(), 0u);
  EXPECT_EQ(order.back(), waiters[2].get());
}

TEST_F(HandshakeGateTest, EveryWorkerHasItsOwn) {
  event::Dispatcher& other = simulation.addDispatcher();
  EXPECT_NE(&gates.on(other), &gate);
  EXPECT_EQ(&gates.on(dispatcher), &gate);
}

}  // namespace
}  // namespace weir::net::tls
