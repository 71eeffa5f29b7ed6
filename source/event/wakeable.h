// Wakeable: something that can be asked to run later in the same turn (laws 4 and 8). wake() only marks and queues;
// onWake() is called once by the Dispatcher, from its loop and never from inside the call that woke it. Embedded in
// its owner; destroying it takes it out of the queue. Wakes during the run phase are served in the same turn up to a
// bound, then in the next. Flush wakes are served once after the run phase; what is woken by them runs in the next
// turn.
#pragma once

namespace weir::event {

class Dispatcher;

enum class Phase { kRun, kFlush };

class Wakeable {
 public:
  explicit Wakeable(Dispatcher& dispatcher, Phase phase = Phase::kRun);
  Wakeable(const Wakeable&) = delete;
  Wakeable& operator=(const Wakeable&) = delete;

  // No effect when already queued.
  void wake() {
    if (woken()) return;
    next_ = end_;
    previous_ = end_->previous_;
    previous_->next_ = this;
    end_->previous_ = this;
  }
  bool woken() const { return next_ != nullptr; }
  // Takes a queued wake back.
  void unwake() {
    if (!woken()) return;
    next_->previous_ = previous_;
    previous_->next_ = next_;
    next_ = previous_ = nullptr;
  }

 protected:
  virtual ~Wakeable() { unwake(); }

 private:
  friend class Dispatcher;
  Wakeable() = default;  // an end
  virtual void onWake() = 0;

  Wakeable* end_ = nullptr;   // the end of its queue, which the dispatcher has
  Wakeable* next_ = nullptr;  // circular list through that end; null when not queued
  Wakeable* previous_ = nullptr;
};

}  // namespace weir::event
