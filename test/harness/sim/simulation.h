// Simulation: a clock, a seeded source of randomness and any number of workers' dispatchers, run by one thread in one
// fixed order. The same test with the same seed does exactly the same. A test makes it first and destroys it last.
//
// The clock stands still while anything can be done at the present instant; then the next scheduled action runs, or
// the clock moves to the next action or timer. Actions of one instant run in the order in which they were scheduled,
// one per step, and all workers come to rest in between: two segments that arrive "at once" are still two arrivals.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <vector>

#include "absl/time/time.h"
#include "source/base/random.h"
#include "source/event/dispatcher.h"
#include "test/harness/sim/sim_clock.h"
#include "test/harness/sim/sim_poller.h"

namespace weir::harness {

class Simulation {
 public:
  explicit Simulation(uint64_t seed = 1);
  ~Simulation();
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  SimClock& clock() { return clock_; }
  base::Random& random() { return random_; }
  base::MonotonicTime now() const { return clock_.monotonic(); }

  // A new worker. It lives as long as the simulation.
  event::Dispatcher& addDispatcher();
  SimPoller& poller(const event::Dispatcher& dispatcher);

  // Runs `action` after simulated time has passed, outside any dispatcher's turn.
  void schedule(absl::Duration after, std::function<void()> action);

  // Does the next thing. Does not move the clock beyond `until`; false when there is nothing to do up to there.
  bool step(base::MonotonicTime until);
  // Everything that happens within `max` from now: the clock stops at the last of it, and timers that are further
  // away stay armed. Returns whether nothing is left at all, timers included.
  bool runUntilIdle(absl::Duration max = absl::Seconds(1));
  // The same, and then the clock is moved to the end of the period.
  void runFor(absl::Duration period);
  // Until `done()`, asked after every step; false when it is not so within `max`, with the clock at the end of it.
  bool runUntil(const std::function<bool()>& done, absl::Duration max = absl::Seconds(60));

 private:
  struct Worker {
    SimPoller poller;
    event::Dispatcher dispatcher;
    explicit Worker(const base::Clock& clock) : dispatcher(poller, clock) {}
  };
  struct Action {
    base::MonotonicTime at;
    uint64_t order;
    std::function<void()> fn;
    friend bool operator<(const Action& a, const Action& b) {  // priority_queue takes the greatest first
      return a.at != b.at ? a.at > b.at : a.order > b.order;
    }
  };

  bool turnWorkers();
  void moveClock(base::MonotonicTime to);
  std::optional<base::MonotonicTime> nextInstant() const;

  SimClock clock_;
  base::Random random_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::priority_queue<Action> actions_;
  uint64_t next_order_ = 0;
  uint64_t steps_at_instant_ = 0;
};

}  // namespace weir::harness
