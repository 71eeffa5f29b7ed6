#include "source/event/dispatcher.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "source/event/timer.h"
#include "source/event/wakeable.h"
#include "test/harness/sim/simulation.h"

namespace weir::event {
namespace {

class Woken final : public Wakeable {
 public:
  Woken(Dispatcher& dispatcher, Phase phase, std::function<void()> fn)
      : Wakeable(dispatcher, phase), fn_(std::move(fn)) {}

 private:
  void onWake() override { fn_(); }
  std::function<void()> fn_;
};

class Grave final : public Deletable {
 public:
  explicit Grave(std::function<void()> fn) : fn_(std::move(fn)) {}
  ~Grave() override { fn_(); }

 private:
  std::function<void()> fn_;
};

class Reader final : public ReadyHandler {
 public:
  explicit Reader(std::function<void()> fn) : fn_(std::move(fn)) {}
  void onReady(Readiness) override { fn_(); }

 private:
  std::function<void()> fn_;
};

class Alarm final : public TimerHandler {
 public:
  Alarm(Dispatcher& dispatcher, std::function<void()> fn) : timer(dispatcher, *this), fn_(std::move(fn)) {}
  void onTimer(Timer&) override { fn_(); }
  Timer timer;

 private:
  std::function<void()> fn_;
};

class DispatcherTest : public testing::Test {
 protected:
  harness::Simulation simulation_;
  Dispatcher& dispatcher_ = simulation_.addDispatcher();
};

TEST_F(DispatcherTest, PhasesOfATurnComeInOrder) {
  std::string order;
  Woken flush(dispatcher_, Phase::kFlush, [&] { order += 'f'; });
  Woken run(dispatcher_, Phase::kRun, [&] { order += 'r'; });
  Alarm alarm(dispatcher_, [&] { order += 't'; });
  Reader reader([&] { order += 'p'; });
  harness::SimPoller::Watch watch(simulation_.poller(dispatcher_), reader);
  dispatcher_.deleteLater(std::make_unique<Grave>([&] { order += 'd'; }));
  flush.wake();
  run.wake();
  dispatcher_.post([&] { order += 'q'; });
  alarm.timer.arm(absl::ZeroDuration());
  watch.mark({.readable = true});
  EXPECT_EQ(order, "");
  EXPECT_TRUE(dispatcher_.turn(false));
  EXPECT_EQ(order, "ptqrfd");
  EXPECT_FALSE(dispatcher_.hasWork());
  EXPECT_FALSE(dispatcher_.turn(false));
}

TEST_F(DispatcherTest, HandlersOfReadinessSeeTheTimeOfTheirTurn) {
  simulation_.runFor(absl::Seconds(1));
  base::MonotonicTime seen;
  Reader reader([&] { seen = dispatcher_.now(); });
  harness::SimPoller::Watch watch(simulation_.poller(dispatcher_), reader);
  watch.mark({.readable = true});
  simulation_.clock().moveTo(simulation_.now() + absl::Seconds(9));
  dispatcher_.turn(false);
  EXPECT_EQ(seen, simulation_.now());
}

TEST_F(DispatcherTest, WallTimeIsThatOfTheTurn) {
  dispatcher_.turn(false);
  const absl::Time first = dispatcher_.wallNow();
  simulation_.clock().moveTo(simulation_.now() + absl::Seconds(9));
  EXPECT_EQ(dispatcher_.wallNow(), first);
  dispatcher_.turn(false);
  EXPECT_EQ(dispatcher_.wallNow(), first + absl::Seconds(9));
}

TEST_F(DispatcherTest, WakingIsNeverServedInsideTheCallAndOnlyOnce) {
  int count = 0;
  Woken woken(dispatcher_, Phase::kRun, [&] { ++count; });
  woken.wake();
  woken.wake();
  EXPECT_TRUE(woken.woken());
  EXPECT_EQ(count, 0);
  dispatcher_.turn(false);
  EXPECT_EQ(count, 1);
  EXPECT_FALSE(woken.woken());
  woken.wake();
  woken.unwake();
  woken.unwake();
  EXPECT_FALSE(dispatcher_.hasWork());
  dispatcher_.turn(false);
  EXPECT_EQ(count, 1);
}

TEST_F(DispatcherTest, WakesOfTheRunPhaseAreServedInTheSameTurn) {
  std::string order;
  Woken last(dispatcher_, Phase::kFlush, [&] { order += 'f'; });
  Woken second(dispatcher_, Phase::kRun, [&] {
    order += '2';
    last.wake();
  });
  Woken first(dispatcher_, Phase::kRun, [&] {
    order += '1';
    second.wake();
    EXPECT_EQ(order, "1");
  });
  first.wake();
  dispatcher_.turn(false);
  EXPECT_EQ(order, "12f");
}

TEST_F(DispatcherTest, WhatFlushWakesRunsInTheNextTurn) {
  std::string order;
  Woken* again = nullptr;
  Woken run(dispatcher_, Phase::kRun, [&] { order += 'r'; });
  Woken flush(dispatcher_, Phase::kFlush, [&] {
    order += 'f';
    run.wake();
    if (order.size() < 3) again->wake();
  });
  again = &flush;
  flush.wake();
  dispatcher_.turn(false);
  EXPECT_EQ(order, "f");
  EXPECT_TRUE(dispatcher_.hasWork());
  dispatcher_.turn(false);
  EXPECT_EQ(order, "frf");
}

TEST_F(DispatcherTest, AWakeStormLeavesRoomForPoll) {
  int count = 0;
  Woken* other = nullptr;
  Woken ping(dispatcher_, Phase::kRun, [&] {
    ++count;
    other->wake();
  });
  Woken pong(dispatcher_, Phase::kRun, [&] {
    ++count;
    ping.wake();
  });
  other = &pong;
  ping.wake();
  dispatcher_.turn(false);
  EXPECT_EQ(count, 1024);
  EXPECT_TRUE(dispatcher_.hasWork());
  dispatcher_.turn(false);
  EXPECT_EQ(count, 2048);
  ping.unwake();
  pong.unwake();
}

TEST_F(DispatcherTest, DestroyingAQueuedWakeableTakesItOut) {
  std::string order;
  auto victim = std::make_unique<Woken>(dispatcher_, Phase::kRun, [&] { order += 'x'; });
  auto flushed = std::make_unique<Woken>(dispatcher_, Phase::kFlush, [&] { order += 'y'; });
  Woken last(dispatcher_, Phase::kRun, [&] { order += 'l'; });
  Woken killer(dispatcher_, Phase::kRun, [&] {
    order += 'k';
    victim.reset();
    flushed.reset();
  });
  killer.wake();
  victim->wake();
  last.wake();
  flushed->wake();
  dispatcher_.turn(false);
  EXPECT_EQ(order, "kl");
}

TEST_F(DispatcherTest, FlushMayDestroyOthersThatWaitForTheirFlush) {
  std::string order;
  auto victim = std::make_unique<Woken>(dispatcher_, Phase::kFlush, [&] { order += 'x'; });
  Woken killer(dispatcher_, Phase::kFlush, [&] {
    order += 'k';
    victim.reset();
  });
  Woken last(dispatcher_, Phase::kFlush, [&] { order += 'l'; });
  killer.wake();
  victim->wake();
  last.wake();
  dispatcher_.turn(false);
  EXPECT_EQ(order, "kl");
}

TEST_F(DispatcherTest, PostedFunctionsRunInOrderAndNewOnesLater) {
  std::string order;
  dispatcher_.post([&] {
    order += 'a';
    dispatcher_.post([&] { order += 'c'; });
  });
  dispatcher_.post([&] { order += 'b'; });
  dispatcher_.turn(false);
  EXPECT_EQ(order, "ab");
  dispatcher_.turn(false);
  EXPECT_EQ(order, "abc");
}

TEST_F(DispatcherTest, DeleteLaterDestroysAtTheEndAlsoWhatTheDeadLeave) {
  std::string order;
  Woken flush(dispatcher_, Phase::kFlush, [&] { order += 'f'; });
  Woken run(dispatcher_, Phase::kRun, [&] {
    dispatcher_.deleteLater(std::make_unique<Grave>([&] {
      order += '1';
      dispatcher_.deleteLater(std::make_unique<Grave>([&] { order += '2'; }));
    }));
    flush.wake();
    order += 'r';
  });
  run.wake();
  dispatcher_.turn(false);
  EXPECT_EQ(order, "rf12");
}

TEST(DispatcherEndTest, WhatWasPostedAndNotRunIsDestroyedWithIt) {
  harness::SimClock clock;
  harness::SimPoller poller;
  auto alive = std::make_shared<int>(1);
  int destroyed = 0;
  {
    Dispatcher dispatcher(poller, clock);
    // Its end uses the dispatcher once more.
    auto alarm = std::make_shared<Alarm>(dispatcher, [] {});
    alarm->timer.arm(absl::Seconds(1));
    dispatcher.post([alive, alarm] {});
    alarm.reset();
    dispatcher.deleteLater(std::make_unique<Grave>([&] {
      ++destroyed;
      dispatcher.post([alive] {});
    }));
    EXPECT_EQ(alive.use_count(), 2);
  }
  EXPECT_EQ(alive.use_count(), 1);
  EXPECT_EQ(destroyed, 1);
}

TEST_F(DispatcherTest, StopBeforeRunReturnsAtOnceAndRunMayFollow) {
  dispatcher_.stop();
  dispatcher_.run();
  int turns = 0;
  Woken* self = nullptr;
  Woken woken(dispatcher_, Phase::kRun, [&] {
    if (++turns == 3000) dispatcher_.stop();
    self->wake();
  });
  self = &woken;
  woken.wake();
  dispatcher_.run();
  EXPECT_GE(turns, 3000);
  woken.unwake();
}

}  // namespace
}  // namespace weir::event
