// TimerWheel: all deadlines of one dispatcher. Eight levels of 64 slots; a tick is a millisecond. A timer stands on the
// level of the highest group of six bits in which its tick differs from the present one, so the first used slot of the
// lowest used level always comes up next, and a bitmap per level finds it in one instruction. Arming, cancelling and
// firing are O(1) and allocate nothing. Made and owned by a Dispatcher, on its thread.
//
// Lazy re-arm: a timer that is moved further away keeps its place; when that place comes up it is put where it now
// belongs. Timers of one tick fire in the order in which they got their place.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "source/base/clock.h"

namespace weir::event {

class Timer;

class TimerWheel {
 public:
  // Fired in one turn; the rest waits for the next.
  static constexpr int kFiresPerTurn = 4096;

  explicit TimerWheel(base::MonotonicTime now);
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  void arm(Timer& timer, base::MonotonicTime now, absl::Duration after);
  void cancel(Timer& timer);

  // Before poll: what was armed with zero until now is due in this turn; what is armed so later, in the next.
  void beginTurn();
  // Fires what is due at `now`. Returns whether any timer fired.
  bool advance(base::MonotonicTime now);
  // When advance() next has something to do: no later than the first deadline. None when no timer is armed.
  std::optional<base::MonotonicTime> next() const;

 private:
  static constexpr int kBits = 6;
  static constexpr int kSlots = 1 << kBits;
  static constexpr int kLevels = 8;  // 2^48 ms: 8,900 years
  static constexpr uint16_t kSoon = kLevels * kSlots;
  static constexpr uint16_t kDue = kSoon + 1;

  struct Place {
    int level;
    int64_t tick;  // where the slot begins
  };
  std::optional<Place> firstPlace() const;
  void insert(Timer& timer, int64_t tick);
  void link(Timer& timer, uint16_t slot);
  void unlink(Timer& timer);
  // Moves a whole slot behind what is due.
  void appendToDue(uint16_t slot);
  void cascade(uint16_t slot);
  bool fireDue(int64_t now_tick, int& budget);

  int64_t tick_;
  std::array<uint64_t, kLevels> used_ = {};
  std::array<Timer*, kDue + 1> slots_ = {};
};

}  // namespace weir::event
