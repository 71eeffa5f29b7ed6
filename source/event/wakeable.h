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
  explicit Wakeable(Dispatcher& dispatcher, Phase phase = Phase::kRun) : dispatcher_(&dispatcher), phase_(phase) {}
  Wakeable(const Wakeable&) = delete;
  Wakeable& operator=(const Wakeable&) = delete;

  // No effect when already queued.
  void wake();
  bool woken() const { return next_ != nullptr; }
  // Takes a queued wake back.
  void unwake();

 protected:
  virtual ~Wakeable() { unwake(); }

 private:
  friend class Dispatcher;
  virtual void onWake() = 0;

  Dispatcher* dispatcher_;
  Wakeable* next_ = nullptr;  // circular list through the dispatcher's anchors; null when not queued
  Wakeable* previous_ = nullptr;
  Phase phase_;
};

}  // namespace weir::event
