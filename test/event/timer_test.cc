#include "source/event/timer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "source/base/random.h"
#include "test/harness/sim/simulation.h"

namespace weir::event {
namespace {

class Alarm final : public TimerHandler {
 public:
  explicit Alarm(Dispatcher& dispatcher, std::function<void()> fn = nullptr)
      : timer(dispatcher, *this), dispatcher_(dispatcher), fn_(std::move(fn)) {}
  void onTimer(Timer& fired) override {
    EXPECT_EQ(&fired, &timer);
    EXPECT_FALSE(timer.armed());
    ++count;
    at = dispatcher_.now();
    if (fn_) fn_();
  }
  Timer timer;
  int count = 0;
  base::MonotonicTime at;

 private:
  Dispatcher& dispatcher_;
  std::function<void()> fn_;
};

class TimerTest : public testing::Test {
 protected:
  // How long after `begin_` it fired.
  absl::Duration firedAfter(const Alarm& alarm) const { return alarm.at - begin_; }

  harness::Simulation simulation_;
  Dispatcher& dispatcher_ = simulation_.addDispatcher();
  base::MonotonicTime begin_ = simulation_.now();
};

TEST_F(TimerTest, FiresAtItsDeadlineOnEveryLevelOfTheWheel) {
  // Around each power of 64 ms, where a deadline changes level, and up to the longest.
  std::vector<int64_t> after;
  for (int64_t edge = 64; edge < absl::ToInt64Milliseconds(absl::Hours(24 * 365)); edge *= 64) {
    for (int64_t off = -2; off <= 2; ++off) after.push_back(edge + off);
    after.push_back(edge * 3 / 2);
    after.push_back(edge * 63);
  }
  after.insert(after.end(), {1, 2, 3, 999, 1000, 1001, 15000, 60000, 3600000});
  std::vector<std::unique_ptr<Alarm>> alarms;
  for (int64_t ms : after) {
    alarms.push_back(std::make_unique<Alarm>(dispatcher_));
    alarms.back()->timer.arm(absl::Milliseconds(ms));
  }
  EXPECT_TRUE(simulation_.runUntilIdle(absl::Hours(24 * 400)));
  for (size_t i = 0; i < after.size(); ++i) {
    const absl::Duration wanted = std::min(absl::Milliseconds(after[i]), absl::Hours(24 * 365));
    EXPECT_EQ(alarms[i]->count, 1) << after[i];
    EXPECT_EQ(firedAfter(*alarms[i]), wanted) << after[i];
  }
}

TEST_F(TimerTest, IsNeverEarlyWhenTheClockIsBetweenTicks) {
  simulation_.runFor(absl::Microseconds(300));
  const base::MonotonicTime armed_at = simulation_.now();
  Alarm alarm(dispatcher_);
  alarm.timer.arm(absl::Milliseconds(5));
  simulation_.runFor(absl::Microseconds(4999));
  EXPECT_EQ(alarm.count, 0);
  simulation_.runFor(absl::Milliseconds(2));
  ASSERT_EQ(alarm.count, 1);
  EXPECT_GE(alarm.at - armed_at, absl::Milliseconds(5));
  EXPECT_LE(alarm.at - armed_at, absl::Milliseconds(7));
}

TEST_F(TimerTest, AYearIsTheLongest) {
  Alarm infinite(dispatcher_), decade(dispatcher_);
  infinite.timer.arm(absl::InfiniteDuration());
  decade.timer.arm(absl::Hours(24 * 3650));
  EXPECT_TRUE(simulation_.runUntilIdle(absl::Hours(24 * 366)));
  EXPECT_EQ(firedAfter(infinite), absl::Hours(24 * 365));
  EXPECT_EQ(firedAfter(decade), absl::Hours(24 * 365));
}

TEST_F(TimerTest, AnInstantIsAsGoodAsADuration) {
  Alarm soon(dispatcher_), past(dispatcher_), never(dispatcher_);
  soon.timer.armAt(begin_ + absl::Milliseconds(30));
  past.timer.armAt(begin_);
  never.timer.armAt(base::MonotonicTime{INT64_MAX});
  simulation_.runFor(absl::Milliseconds(29));
  EXPECT_EQ(past.count, 1);
  EXPECT_EQ(soon.count, 0);
  simulation_.runFor(absl::Milliseconds(1));
  EXPECT_EQ(soon.count, 1);
  EXPECT_EQ(firedAfter(soon), absl::Milliseconds(30));
  simulation_.runFor(absl::Hours(1));
  EXPECT_EQ(never.count, 0);
  EXPECT_TRUE(never.timer.armed());
}

TEST_F(TimerTest, SameTickFiresInOrderOfArming) {
  std::string order;
  Alarm a(dispatcher_, [&] { order += 'a'; }), b(dispatcher_, [&] { order += 'b'; }),
      c(dispatcher_, [&] { order += 'c'; }), d(dispatcher_, [&] { order += 'd'; });
  b.timer.arm(absl::Milliseconds(100));
  a.timer.arm(absl::Milliseconds(100));
  d.timer.arm(absl::Milliseconds(101));
  c.timer.arm(absl::Milliseconds(100));
  simulation_.runUntilIdle();
  EXPECT_EQ(order, "bacd");
}

TEST_F(TimerTest, ArmingAgainReplacesTheDeadline) {
  Alarm later(dispatcher_), earlier(dispatcher_), again(dispatcher_);
  later.timer.arm(absl::Milliseconds(10));
  later.timer.arm(absl::Milliseconds(700));
  earlier.timer.arm(absl::Seconds(100));
  earlier.timer.arm(absl::Milliseconds(20));
  again.timer.arm(absl::Milliseconds(10));
  again.timer.arm(absl::Milliseconds(700));
  again.timer.arm(absl::Milliseconds(300));
  EXPECT_TRUE(simulation_.runUntilIdle());
  EXPECT_EQ(later.count, 1);
  EXPECT_EQ(firedAfter(later), absl::Milliseconds(700));
  EXPECT_EQ(earlier.count, 1);
  EXPECT_EQ(firedAfter(earlier), absl::Milliseconds(20));
  EXPECT_EQ(again.count, 1);
  EXPECT_EQ(firedAfter(again), absl::Milliseconds(300));
}

TEST_F(TimerTest, KeptAliveTimerFiresAfterTheLastPush) {
  Alarm idle(dispatcher_);
  for (int i = 0; i < 1000; ++i) {
    idle.timer.arm(absl::Milliseconds(50));
    simulation_.runFor(absl::Milliseconds(49));
  }
  EXPECT_EQ(idle.count, 0);
  simulation_.runFor(absl::Milliseconds(1));
  EXPECT_EQ(idle.count, 1);
}

TEST_F(TimerTest, ZeroFiresInTheNextTurnAndNotInside) {
  Alarm alarm(dispatcher_);
  alarm.timer.arm(absl::ZeroDuration());
  EXPECT_EQ(alarm.count, 0);
  dispatcher_.turn(false);
  EXPECT_EQ(alarm.count, 1);
  alarm.timer.arm(-absl::Seconds(5));
  EXPECT_TRUE(dispatcher_.hasWork());
  dispatcher_.turn(false);
  EXPECT_EQ(alarm.count, 2);
  EXPECT_FALSE(dispatcher_.hasWork());
}

TEST_F(TimerTest, ZeroArmedWhileFiringWaitsForTheNextTurn) {
  int count = 0;
  Alarm* self = nullptr;
  Alarm alarm(dispatcher_, [&] {
    ++count;
    self->timer.arm(absl::ZeroDuration());
  });
  self = &alarm;
  alarm.timer.arm(absl::ZeroDuration());
  for (int turn = 1; turn <= 5; ++turn) {
    dispatcher_.turn(false);
    EXPECT_EQ(count, turn);
  }
}

TEST_F(TimerTest, CancelledAndDestroyedTimersDoNotFire) {
  Alarm cancelled(dispatcher_);
  auto destroyed = std::make_unique<Alarm>(dispatcher_, [] { ADD_FAILURE() << "fired after its end"; });
  cancelled.timer.arm(absl::Milliseconds(10));
  destroyed->timer.arm(absl::Milliseconds(10));
  cancelled.timer.cancel();
  cancelled.timer.cancel();
  EXPECT_FALSE(cancelled.timer.armed());
  destroyed.reset();
  EXPECT_TRUE(simulation_.runUntilIdle());
  EXPECT_EQ(cancelled.count, 0);
  EXPECT_FALSE(dispatcher_.nextDeadline().has_value());
}

TEST_F(TimerTest, HandlerMayCancelArmAndDestroyOthersOfTheSameTick) {
  std::unique_ptr<Alarm> destroyed = std::make_unique<Alarm>(dispatcher_, [] { ADD_FAILURE() << "destroyed"; });
  Alarm cancelled(dispatcher_), moved(dispatcher_), kept(dispatcher_);
  Alarm first(dispatcher_, [&] {
    destroyed.reset();
    cancelled.timer.cancel();
    moved.timer.arm(absl::Milliseconds(90));
    first.timer.arm(absl::Milliseconds(40));
  });
  first.timer.arm(absl::Milliseconds(10));
  for (Alarm* alarm : {destroyed.get(), &cancelled, &moved, &kept}) alarm->timer.arm(absl::Milliseconds(10));
  simulation_.runFor(absl::Milliseconds(45));
  EXPECT_EQ(first.count, 1);
  EXPECT_EQ(kept.count, 1);
  EXPECT_EQ(cancelled.count, 0);
  EXPECT_EQ(moved.count, 0);
  simulation_.runFor(absl::Milliseconds(60));
  EXPECT_EQ(first.count, 3);
  EXPECT_EQ(cancelled.count, 0);
}

TEST_F(TimerTest, HandlerMayDestroyItsOwnTimer) {
  std::unique_ptr<Alarm> alarm;
  bool fired = false;
  alarm = std::make_unique<Alarm>(dispatcher_, [&] {
    fired = true;
    auto dead = std::move(alarm);
    dispatcher_.post([keep = std::shared_ptr<Alarm>(std::move(dead))] {});
  });
  alarm->timer.arm(absl::Milliseconds(1));
  simulation_.runUntilIdle();
  EXPECT_TRUE(fired);
  EXPECT_EQ(alarm, nullptr);
}

TEST_F(TimerTest, HundredThousandRandomTimersAgreeWithASortedList) {
  base::Random random(11);
  constexpr int kTimers = 100'000;
  std::vector<std::unique_ptr<Alarm>> alarms;
  std::vector<int64_t> wanted(kTimers);
  alarms.reserve(kTimers);
  for (int i = 0; i < kTimers; ++i) {
    alarms.push_back(std::make_unique<Alarm>(dispatcher_));
    alarms[i]->timer.arm(absl::Milliseconds(1 + random.below(20'000)));
  }
  for (int i = 0; i < kTimers; ++i) {  // half are moved, a quarter of all is cancelled
    wanted[i] = -1;
    if (random.below(4) == 0) {
      alarms[i]->timer.cancel();
      continue;
    }
    wanted[i] = 1 + random.below(20'000);
    alarms[i]->timer.arm(absl::Milliseconds(wanted[i]));
  }
  EXPECT_TRUE(simulation_.runUntilIdle(absl::Seconds(30)));
  for (int i = 0; i < kTimers; ++i) {
    ASSERT_EQ(alarms[i]->count, wanted[i] < 0 ? 0 : 1) << i;
    if (wanted[i] >= 0) {
      ASSERT_EQ(firedAfter(*alarms[i]), absl::Milliseconds(wanted[i])) << i;
    }
  }
}

TEST_F(TimerTest, ManyDueAtOnceAreSpreadOverTurns) {
  std::vector<std::unique_ptr<Alarm>> alarms;
  for (int i = 0; i < 10'000; ++i) {
    alarms.push_back(std::make_unique<Alarm>(dispatcher_));
    alarms.back()->timer.arm(absl::Milliseconds(3));
  }
  simulation_.clock().moveTo(simulation_.now() + absl::Milliseconds(3));
  const auto fired = [&] {
    return std::count_if(alarms.begin(), alarms.end(), [](const auto& alarm) { return alarm->count == 1; });
  };
  dispatcher_.turn(false);
  EXPECT_EQ(fired(), 4096);
  EXPECT_TRUE(dispatcher_.hasWork());
  dispatcher_.turn(false);
  dispatcher_.turn(false);
  EXPECT_EQ(fired(), 10'000);
}

TEST_F(TimerTest, ALongStopOfTheClockFiresAllInOrder) {
  std::vector<int> order;
  std::vector<std::unique_ptr<Alarm>> alarms;
  for (int ms : {70, 5, 4100, 64, 128, 1, 300'000}) {
    alarms.push_back(std::make_unique<Alarm>(dispatcher_, [&order, ms] { order.push_back(ms); }));
    alarms.back()->timer.arm(absl::Milliseconds(ms));
  }
  simulation_.clock().moveTo(simulation_.now() + absl::Hours(1));
  dispatcher_.turn(false);
  EXPECT_EQ(order, (std::vector<int>{1, 5, 64, 70, 128, 4100, 300'000}));
}

}  // namespace
}  // namespace weir::event
