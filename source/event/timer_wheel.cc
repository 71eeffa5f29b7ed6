#include "source/event/timer_wheel.h"

#include <algorithm>
#include <bit>

#include "source/event/timer.h"

namespace weir::event {
namespace {

constexpr int64_t kNanosecondsPerTick = 1'000'000;
constexpr absl::Duration kLongest = absl::Hours(24 * 365);

int64_t tickAt(base::MonotonicTime time) { return time.nanoseconds / kNanosecondsPerTick; }

// Rounded up: a timer never fires early.
int64_t tickAfter(base::MonotonicTime time) {
  return (time.nanoseconds + kNanosecondsPerTick - 1) / kNanosecondsPerTick;
}

}  // namespace

TimerWheel::TimerWheel(base::MonotonicTime now) : tick_(tickAt(now)) {}

void TimerWheel::arm(Timer& timer, base::MonotonicTime now, absl::Duration after) {
  if (after <= absl::ZeroDuration()) {
    if (timer.armed()) unlink(timer);
    timer.deadline_tick_ = timer.slot_tick_ = tick_;
    link(timer, kSoon);
    return;
  }
  timer.deadline_tick_ = tickAfter(now + std::min(after, kLongest));
  if (timer.armed()) {
    if (timer.slot_ < kSoon && timer.deadline_tick_ >= timer.slot_tick_) return;
    unlink(timer);
  }
  insert(timer, timer.deadline_tick_);
}

void TimerWheel::cancel(Timer& timer) {
  if (timer.armed()) unlink(timer);
}

void TimerWheel::beginTurn() { appendToDue(kSoon); }

bool TimerWheel::advance(base::MonotonicTime now) {
  const int64_t now_tick = tickAt(now);
  int budget = kFiresPerTurn;
  bool fired = fireDue(now_tick, budget);
  while (budget > 0) {
    const std::optional<Place> place = firstPlace();
    if (!place.has_value() || place->tick > now_tick) {
      tick_ = std::max(tick_, now_tick);
      break;
    }
    tick_ = std::max(tick_, place->tick);
    const uint16_t slot = static_cast<uint16_t>(place->level * kSlots + std::countr_zero(used_[place->level]));
    if (place->level == 0) {
      appendToDue(slot);
      fired = fireDue(now_tick, budget) || fired;
    } else {
      cascade(slot);
    }
  }
  return fired;
}

std::optional<base::MonotonicTime> TimerWheel::next() const {
  if (slots_[kSoon] != nullptr || slots_[kDue] != nullptr) return base::MonotonicTime{tick_ * kNanosecondsPerTick};
  const std::optional<Place> place = firstPlace();
  if (!place.has_value()) return std::nullopt;
  return base::MonotonicTime{place->tick * kNanosecondsPerTick};
}

std::optional<TimerWheel::Place> TimerWheel::firstPlace() const {
  for (int level = 0; level < kLevels; ++level) {
    if (used_[level] == 0) continue;
    const int shift = level * kBits;
    const int64_t above = tick_ >> (shift + kBits) << (shift + kBits);
    return Place{level, above | static_cast<int64_t>(std::countr_zero(used_[level])) << shift};
  }
  return std::nullopt;
}

void TimerWheel::insert(Timer& timer, int64_t tick) {
  tick = std::max(tick, tick_);
  timer.slot_tick_ = tick;
  const uint64_t difference = static_cast<uint64_t>(tick ^ tick_);
  const int level = difference == 0 ? 0 : std::min((63 - std::countl_zero(difference)) / kBits, kLevels - 1);
  const int index = static_cast<int>(tick >> (level * kBits)) & (kSlots - 1);
  used_[level] |= uint64_t{1} << index;
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
    if (timer.slot_ < kSoon) used_[timer.slot_ / kSlots] &= ~(uint64_t{1} << timer.slot_ % kSlots);
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
