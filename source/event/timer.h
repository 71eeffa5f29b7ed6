// Timer: one deadline on the dispatcher's wheel. Embedded in its owner, armed and cancelled at will; destroying it
// cancels it. Moving a deadline further away costs a store: the wheel notices when the old one comes up (lazy
// re-arm, law 11). Fires never early and at most 2 ms late on an idle worker, from the loop, never from inside arm().
#pragma once

#include <cstdint>

#include "absl/time/time.h"
#include "source/base/clock.h"

namespace weir::event {

class Dispatcher;
class Timer;
class TimerWheel;

class TimerHandler {
 public:
  // The timer is no longer armed when this runs; it may be armed again or destroyed inside.
  virtual void onTimer(Timer& timer) = 0;

 protected:
  ~TimerHandler() = default;
};

class Timer {
 public:
  // Both must outlive the timer.
  Timer(Dispatcher& dispatcher, TimerHandler& handler) : dispatcher_(&dispatcher), handler_(&handler) {}
  ~Timer() { cancel(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Fires once, `after` from now (the turn's time); replaces an earlier deadline. Zero or less: in the next turn.
  // Anything above a year, absl::InfiniteDuration() included, is a year.
  void arm(absl::Duration after);
  // The same for who has the instant, which is then not made a duration and back.
  void armAt(base::MonotonicTime deadline);
  void cancel();
  bool armed() const { return next_ != nullptr; }

 private:
  friend class TimerWheel;
  Dispatcher* dispatcher_;
  TimerHandler* handler_;
  Timer* next_ = nullptr;  // circular list of its slot; null when not armed
  Timer* previous_ = nullptr;
  int64_t deadline_tick_ = 0;   // when it is due, in milliseconds of the dispatcher's clock
  int64_t slot_tick_ : 48 = 0;  // where it stands in the wheel: at or before deadline_tick_
  uint64_t slot_ : 16 = 0;
};

}  // namespace weir::event
