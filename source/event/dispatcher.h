// Dispatcher: the loop of one worker. Everything on a worker runs inside its turns, on its one thread, and uses the
// time that the turn began with. One turn:
//   1. poll: readiness is delivered; connections read and mark
//   2. timers that are due fire
//   3. posted functions run (the only way in from other threads)
//   4. run phase: woken Wakeables run, including those woken meanwhile, up to a bound
//   5. flush phase: connections with output write once each
//   6. what was handed to deleteLater() is destroyed
// Made by the worker (or the harness), which owns it; outlives everything that is on it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "source/base/clock.h"
#include "source/event/poller.h"
#include "source/event/wakeable.h"

namespace weir::event {

class Timer;
class TimerWheel;

// What deleteLater() takes: destroyed at the end of the turn, when no function of it can be on the stack.
class Deletable {
 public:
  virtual ~Deletable() = default;
};

class Dispatcher {
 public:
  // Both must outlive it.
  Dispatcher(Poller& poller, const base::Clock& clock);
  ~Dispatcher();
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  // Turns until stop(). Blocks.
  void run();
  // Ends run() after the current turn, or at once when it has not begun yet. Safe from any thread.
  void stop();
  // One turn; waits for something to do when `wait`, up to the next timer. Returns whether anything ran.
  bool turn(bool wait);

  // Runs `fn` in a later turn, in order of the calls. Safe from any thread; what is posted and not run is destroyed
  // with the dispatcher.
  void post(std::function<void()> fn);
  void deleteLater(std::unique_ptr<Deletable> object);

  // The time of this turn: read once, when poll wakes, before readiness is delivered.
  base::MonotonicTime now() const { return now_; }
  // The same for those that keep the reference and have no dispatcher (codecs); lives as long as the dispatcher.
  const base::MonotonicTime& turnTime() const { return now_; }
  absl::Time wallNow();  // read at most once a turn
  // A fresh reading, for durations that are logged at sub-turn precision.
  const base::Clock& clock() const { return clock_; }

  // When the wheel next has something to do, if ever: the next timer is due then or later. For the simulation, which
  // moves its clock there.
  std::optional<base::MonotonicTime> nextDeadline() const;
  // Whether a turn would do something without waiting.
  bool hasWork();

 private:
  friend class Wakeable;
  friend class Timer;

  // The ends of a circular list of Wakeables.
  class Anchor;

  // Wakes served in the run phase of one turn; the rest waits for the next, so that poll is never starved.
  static constexpr int kWakesPerTurn = 1024;

  bool hasQueued() const;
  std::optional<base::MonotonicTime> pollUntil(bool wait) const;
  // The phases; each is called when it has something to do.
  void runPosted();
  void runWoken();
  void runFlush();
  void buryDead();

  Poller& poller_;
  const base::Clock& clock_;
  base::MonotonicTime now_;
  std::optional<absl::Time> wall_now_;
  std::unique_ptr<TimerWheel> wheel_;
  std::unique_ptr<Anchor> run_queue_;
  std::unique_ptr<Anchor> flush_queue_;
  // Two of each: one is filled while the other is worked off, and both keep their capacity.
  std::vector<std::unique_ptr<Deletable>> graveyard_;
  std::vector<std::unique_ptr<Deletable>> dying_;
  std::mutex posted_mutex_;
  std::vector<std::function<void()>> posted_;  // guarded by posted_mutex_
  std::vector<std::function<void()>> running_posted_;
  std::atomic<bool> has_posted_{false};
  std::atomic<bool> stopping_{false};
};

}  // namespace weir::event
