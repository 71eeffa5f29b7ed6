#include "test/harness/sim/simulation.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "source/event/timer.h"
#include "source/event/wakeable.h"

namespace weir::harness {
namespace {

class Alarm final : public event::TimerHandler {
 public:
  Alarm(event::Dispatcher& dispatcher, std::function<void()> fn) : timer(dispatcher, *this), fn_(std::move(fn)) {}
  void onTimer(event::Timer&) override { fn_(); }
  event::Timer timer;

 private:
  std::function<void()> fn_;
};

class Recorder final : public event::ReadyHandler {
 public:
  void onReady(event::Readiness ready) override {
    seen.push_back(ready);
    if (on_ready) on_ready();
  }
  std::vector<event::Readiness> seen;
  std::function<void()> on_ready;
};

TEST(SimClockTest, WallAndMonotonicMoveTogetherAndNeverBack) {
  SimClock clock;
  const base::MonotonicTime begin = clock.monotonic();
  const absl::Time wall = clock.wall();
  EXPECT_EQ(absl::FormatTime(wall, absl::UTCTimeZone()), "2026-01-01T00:00:00+00:00");
  clock.moveTo(begin + absl::Seconds(3));
  clock.moveTo(begin + absl::Seconds(2));
  EXPECT_EQ(clock.monotonic() - begin, absl::Seconds(3));
  EXPECT_EQ(clock.wall() - wall, absl::Seconds(3));
  clock.stepWall(-absl::Hours(1));
  EXPECT_EQ(clock.wall() - wall, absl::Seconds(3) - absl::Hours(1));
  EXPECT_EQ(clock.monotonic() - begin, absl::Seconds(3));
}

TEST(SimPollerTest, MergesMarksAndDeliversEachHandlerOnce) {
  Simulation simulation;
  event::Dispatcher& dispatcher = simulation.addDispatcher();
  Recorder a;
  SimPoller::Watch watch(simulation.poller(dispatcher), a);
  watch.mark({.readable = true});
  watch.mark({.closed = true});
  EXPECT_TRUE(dispatcher.turn(false));
  ASSERT_EQ(a.seen.size(), 1u);
  EXPECT_TRUE(a.seen[0].readable && a.seen[0].closed && !a.seen[0].writable);
  EXPECT_FALSE(dispatcher.turn(false));
  EXPECT_EQ(a.seen.size(), 1u);
}

TEST(SimPollerTest, WatchDestroyedDuringPollIsNotTold) {
  Simulation simulation;
  event::Dispatcher& dispatcher = simulation.addDispatcher();
  Recorder a, b;
  SimPoller::Watch first(simulation.poller(dispatcher), a);
  auto second = std::make_unique<SimPoller::Watch>(simulation.poller(dispatcher), b);
  a.on_ready = [&] { second.reset(); };
  first.mark({.readable = true});
  second->mark({.readable = true});
  dispatcher.turn(false);
  EXPECT_EQ(a.seen.size(), 1u);
  EXPECT_TRUE(b.seen.empty());
}

TEST(SimulationTest, RunsActionsAndTimersInOrderOfTime) {
  Simulation simulation;
  event::Dispatcher& one = simulation.addDispatcher();
  event::Dispatcher& two = simulation.addDispatcher();
  std::string order;
  Alarm late(one, [&] { order += 'c'; });
  Alarm early(two, [&] { order += 'a'; });
  late.timer.arm(absl::Milliseconds(30));
  early.timer.arm(absl::Milliseconds(10));
  simulation.schedule(absl::Milliseconds(20), [&] { order += 'b'; });
  simulation.schedule(absl::Milliseconds(20), [&] { order += 'B'; });
  const base::MonotonicTime begin = simulation.now();
  EXPECT_TRUE(simulation.runUntilIdle());
  EXPECT_EQ(order, "abBc");
  EXPECT_EQ(simulation.now() - begin, absl::Milliseconds(30));
}

TEST(SimulationTest, RunUntilIdleLeavesWhatIsFurtherAway) {
  Simulation simulation;
  event::Dispatcher& dispatcher = simulation.addDispatcher();
  bool fired = false;
  Alarm alarm(dispatcher, [&] { fired = true; });
  alarm.timer.arm(absl::Seconds(15));
  EXPECT_FALSE(simulation.runUntilIdle(absl::Seconds(14)));
  EXPECT_FALSE(fired);
  const base::MonotonicTime begin = simulation.now();
  EXPECT_TRUE(simulation.runUntilIdle(absl::Seconds(16)));
  EXPECT_TRUE(fired);
  EXPECT_LE(simulation.now() - begin, absl::Seconds(15));
}

TEST(SimulationTest, RunForMovesTheClockToItsEnd) {
  Simulation simulation;
  event::Dispatcher& dispatcher = simulation.addDispatcher();
  const base::MonotonicTime begin = simulation.now();
  simulation.runFor(absl::Minutes(5));
  EXPECT_EQ(simulation.now() - begin, absl::Minutes(5));
  EXPECT_EQ(dispatcher.now(), simulation.now());
}

TEST(SimulationTest, RunUntilStopsAtThePredicateOrAtTheEnd) {
  Simulation simulation;
  int ticks = 0;
  std::function<void()> tick = [&] {
    ++ticks;
    simulation.schedule(absl::Seconds(1), tick);
  };
  tick();
  const base::MonotonicTime begin = simulation.now();
  EXPECT_TRUE(simulation.runUntil([&] { return ticks == 5; }));
  EXPECT_EQ(simulation.now() - begin, absl::Seconds(4));
  EXPECT_FALSE(simulation.runUntil([] { return false; }, absl::Seconds(10)));
  EXPECT_EQ(simulation.now() - begin, absl::Seconds(14));
}

TEST(SimulationTest, SameSeedSameNumbers) {
  Simulation a(7), b(7), c(8);
  EXPECT_EQ(a.random().next(), b.random().next());
  EXPECT_NE(a.random().next(), c.random().next());
}

}  // namespace
}  // namespace weir::harness
