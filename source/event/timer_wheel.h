// TimerWheel: all deadlines of one dispatcher. Eight levels of 64 slots; a tick is a millisecond. A timer stands on the
// level of the highest group of six bits in which its tick differs from the present one, so the first used slot of the
// lowest used level always comes up next, and a bitmap per level finds it in one instruction. Arming, cancelling and
// firing are O(1) and allocate nothing. Made and owned by a Dispatcher, on its thread.
//
// Lazy re-arm: a timer that is moved further away keeps its place; when that place comes up it is put where it now
// belongs. Timers of one tick fire in the order in which they got their place.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <optional>

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

  void arm(Timer& timer, base::MonotonicTime now, base::MonotonicTime deadline);
  void cancel(Timer& timer);

  // Before poll: what was armed with zero until now is due in this turn; what is armed so later, in the next.
  void beginTurn() {
    if (slots_[kSoon] != nullptr) appendToDue(kSoon);
  }
  // Whether advance() has anything to do at `now`. When it has not, the wheel stands where that would have left it.
  bool reaches(base::MonotonicTime now) {
    const int64_t now_tick = now.nanoseconds / kNanosecondsPerTick;
    if (slots_[kDue] != nullptr || firstTick() <= now_tick) return true;
    if (now_tick > tick_) tick_ = now_tick;
    return false;
  }
  // Fires what is due at `now`. Returns whether any timer fired.
  bool advance(base::MonotonicTime now);
  // When advance() next has something to do: no later than the first deadline. None when no timer is armed.
  std::optional<base::MonotonicTime> next() const {
    if (slots_[kSoon] != nullptr || slots_[kDue] != nullptr) return base::MonotonicTime{tick_ * kNanosecondsPerTick};
    const int64_t tick = firstTick();
    if (tick == kNever) return std::nullopt;
    return base::MonotonicTime{tick * kNanosecondsPerTick};
  }

 private:
  static constexpr int kBits = 6;
  static constexpr int kSlots = 1 << kBits;
  static constexpr int kLevels = 8;  // 2^48 ms: 8,900 years
  static constexpr uint16_t kSoon = kLevels * kSlots;
  static constexpr uint16_t kDue = kSoon + 1;

  static constexpr int64_t kNanosecondsPerTick = 1'000'000;
  static constexpr int64_t kNever = INT64_MAX;

  // Where the first used slot begins.
  int64_t firstTick() const {
    if (used_levels_ == 0) return kNever;
    const int level = std::countr_zero(used_levels_);
    const int shift = level * kBits;
    const int64_t above = tick_ >> (shift + kBits) << (shift + kBits);
    return above | static_cast<int64_t>(std::countr_zero(used_[level])) << shift;
  }
  void insert(Timer& timer, int64_t tick);
  void link(Timer& timer, uint16_t slot);
  void unlink(Timer& timer);
  // Moves a whole slot behind what is due.
  void appendToDue(uint16_t slot);
  void cascade(uint16_t slot);
  bool fireDue(int64_t now_tick, int& budget);

  int64_t tick_;
  uint32_t used_levels_ = 0;  // those with a used slot
  std::array<uint64_t, kLevels> used_ = {};
  std::array<Timer*, kDue + 1> slots_ = {};
};

}  // namespace weir::event
