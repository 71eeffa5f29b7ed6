#include "source/event/timer_wheel.h"

#include <algorithm>
#include <bit>

#include "source/event/timer.h"

namespace weir::event {
namespace {

constexpr int64_t kLongest = int64_t{365} * 24 * 3600 * 1'000'000'000;  // a year, in nanoseconds

}  // namespace

TimerWheel::TimerWheel(base::MonotonicTime now) : tick_(now.nanoseconds / kNanosecondsPerTick) {}

void TimerWheel::arm(Timer& timer, base::MonotonicTime now, base::MonotonicTime deadline) {
  if (deadline <= now) {
    if (timer.armed()) unlink(timer);
    timer.deadline_tick_ = timer.slot_tick_ = tick_;
    link(timer, kSoon);
    return;
  }
  // Rounded up: a timer never fires early.
  const int64_t at = std::min(deadline.nanoseconds, now.nanoseconds + kLongest);
  timer.deadline_tick_ = (at + kNanosecondsPerTick - 1) / kNanosecondsPerTick;
  if (timer.armed()) {
    if (timer.slot_ < kSoon && timer.deadline_tick_ >= timer.slot_tick_) return;
    unlink(timer);
  }
  insert(timer, timer.deadline_tick_);
}

void TimerWheel::cancel(Timer& timer) {
  if (timer.armed()) unlink(timer);
}

bool TimerWheel::advance(base::MonotonicTime now) {
  const int64_t now_tick = now.nanoseconds / kNanosecondsPerTick;
  int budget = kFiresPerTurn;
  bool fired = fireDue(now_tick, budget);
  while (budget > 0) {
    const int64_t first = firstTick();
    if (first > now_tick) {
      tick_ = std::max(tick_, now_tick);
      break;
    }
    const int level = std::countr_zero(used_levels_);
    const uint16_t slot = static_cast<uint16_t>(level * kSlots + std::countr_zero(used_[level]));
    tick_ = std::max(tick_, first);
    if (level == 0) {
      appendToDue(slot);
      fired = fireDue(now_tick, budget) || fired;
    } else {
      cascade(slot);
    }
  }
  return fired;
}

void TimerWheel::insert(Timer& timer, int64_t tick) {
  tick = std::max(tick, tick_);
  timer.slot_tick_ = tick;
  const uint64_t difference = static_cast<uint64_t>(tick ^ tick_);
  const int level = difference == 0 ? 0 : std::min((63 - std::countl_zero(difference)) / kBits, kLevels - 1);
  const int index = static_cast<int>(tick >> (level * kBits)) & (kSlots - 1);
  used_[level] |= uint64_t{1} << index;
  used_levels_ |= uint32_t{1} << level;
  link(timer, static_cast<uint16_t>(level * kSlots + index));
}

void TimerWheel::link(Timer& timer, uint16_t slot) {
  timer.slot_ = slot;
  Timer*& head = slots_[slot];
  if (head == nullptr) {
    head = timer.next_ = timer.previous_ = &timer;
    return;
  }
  timer.next_ = head;
  timer.previous_ = head->previous_;
  timer.previous_->next_ = &timer;
  head->previous_ = &timer;
}

void TimerWheel::unlink(Timer& timer) {
  Timer*& head = slots_[timer.slot_];
  if (timer.next_ == &timer) {
    head = nullptr;
    if (timer.slot_ < kSoon) {
      const unsigned level = timer.slot_ / kSlots;
      used_[level] &= ~(uint64_t{1} << timer.slot_ % kSlots);
      if (used_[level] == 0) used_levels_ &= ~(uint32_t{1} << level);
    }
  } else {
    timer.next_->previous_ = timer.previous_;
    timer.previous_->next_ = timer.next_;
    if (head == &timer) head = timer.next_;
  }
  timer.next_ = timer.previous_ = nullptr;
}

void TimerWheel::appendToDue(uint16_t slot) {
  while (Timer* timer = slots_[slot]) {
    unlink(*timer);
    link(*timer, kDue);
  }
}

void TimerWheel::cascade(uint16_t slot) {
  while (Timer* timer = slots_[slot]) {
    unlink(*timer);
    insert(*timer, timer->deadline_tick_);
  }
}

bool TimerWheel::fireDue(int64_t now_tick, int& budget) {
  bool fired = false;
  while (budget > 0 && slots_[kDue] != nullptr) {
    Timer* timer = slots_[kDue];
    unlink(*timer);
    if (timer->deadline_tick_ > now_tick) {
      insert(*timer, timer->deadline_tick_);
      continue;
    }
    --budget;
    fired = true;
    timer->handler_->onTimer(*timer);
  }
  return fired;
}

}  // namespace weir::event
