#include "source/event/dispatcher.h"

#include <utility>

#include "source/event/timer_wheel.h"

namespace weir::event {

// Stands for both ends of a queue; never woken itself.
class Dispatcher::Anchor final : public Wakeable {
 public:
  Anchor() { next_ = previous_ = this; }

  bool empty() const { return next_ == this; }

  // Takes the first one out and calls it.
  void runFirst() {
    Wakeable* first = next_;
    first->unwake();
    first->onWake();
  }

  // Moves all of `other`, in order, into this empty queue.
  void take(Anchor& other) {
    if (other.empty()) return;
    next_ = other.next_;
    previous_ = other.previous_;
    next_->previous_ = this;
    previous_->next_ = this;
    other.next_ = other.previous_ = &other;
  }

 private:
  void onWake() override {}
};

Wakeable::Wakeable(Dispatcher& dispatcher, Phase phase)
    : end_(phase == Phase::kRun ? dispatcher.run_queue_.get() : dispatcher.flush_queue_.get()) {}

Dispatcher::Dispatcher(Poller& poller, const base::Clock& clock)
    : poller_(poller),
      clock_(clock),
      now_(clock.monotonic()),
      wheel_(std::make_unique<TimerWheel>(now_)),
      run_queue_(std::make_unique<Anchor>()),
      flush_queue_(std::make_unique<Anchor>()) {}

Dispatcher::~Dispatcher() {
  // Their destructors may still cancel timers, post and delete: the rest of this object must be whole.
  for (;;) {
    buryDead();
    std::vector<std::function<void()>> never_run;
    {
      std::lock_guard<std::mutex> lock(posted_mutex_);
      never_run.swap(posted_);
    }
    if (never_run.empty() && graveyard_.empty()) break;
  }
}

void Dispatcher::run() {
  while (!stopping_.load(std::memory_order_acquire)) turn(true);
  stopping_.store(false, std::memory_order_release);
}

void Dispatcher::stop() {
  stopping_.store(true, std::memory_order_release);
  poller_.interrupt();
}

bool Dispatcher::turn(bool wait) {
  wheel_->beginTurn();
  const auto awake = [this] {
    now_ = clock_.monotonic();
    wall_now_.reset();
  };
  bool ran = poller_.poll(pollUntil(wait), awake);
  // Most turns have nothing for most of the phases: what that takes is a look.
  const auto look = [this, &ran](bool has_any, void (Dispatcher::*phase)()) {
    if (!has_any) return;
    (this->*phase)();
    ran = true;
  };
  if (wheel_->reaches(now_)) ran = wheel_->advance(now_) || ran;
  look(has_posted_.load(std::memory_order_acquire), &Dispatcher::runPosted);
  look(!run_queue_->empty(), &Dispatcher::runWoken);
  look(!flush_queue_->empty(), &Dispatcher::runFlush);
  look(!graveyard_.empty(), &Dispatcher::buryDead);
  return ran;
}

void Dispatcher::post(std::function<void()> fn) {
  bool first = false;
  {
    std::lock_guard<std::mutex> lock(posted_mutex_);
    first = posted_.empty();
    posted_.push_back(std::move(fn));
    has_posted_.store(true, std::memory_order_release);
  }
  // Whoever made the queue non-empty has interrupted already, and the poller remembers it.
  if (first) poller_.interrupt();
}

void Dispatcher::deleteLater(std::unique_ptr<Deletable> object) { graveyard_.push_back(std::move(object)); }

absl::Time Dispatcher::wallNow() {
  if (!wall_now_.has_value()) wall_now_ = clock_.wall();
  return *wall_now_;
}

std::optional<base::MonotonicTime> Dispatcher::nextDeadline() const { return wheel_->next(); }

bool Dispatcher::hasWork() {
  if (hasQueued()) return true;
  const std::optional<base::MonotonicTime> next = wheel_->next();
  return next.has_value() && *next <= clock_.monotonic();
}

bool Dispatcher::hasQueued() const {
  return !run_queue_->empty() || !flush_queue_->empty() || !graveyard_.empty() ||
         has_posted_.load(std::memory_order_acquire);
}

std::optional<base::MonotonicTime> Dispatcher::pollUntil(bool wait) const {
  if (!wait || hasQueued() || stopping_.load(std::memory_order_acquire)) return Poller::kNow;
  const std::optional<base::MonotonicTime> next = wheel_->next();
  return next.has_value() && *next <= now_ ? Poller::kNow : next;
}

void Dispatcher::runPosted() {
  {
    std::lock_guard<std::mutex> lock(posted_mutex_);
    running_posted_.swap(posted_);
    has_posted_.store(false, std::memory_order_release);
  }
  for (std::function<void()>& fn : running_posted_) {
    fn();
    fn = nullptr;  // what it holds ends before the next one runs
  }
  running_posted_.clear();
}

void Dispatcher::runWoken() {
  for (int i = 0; i < kWakesPerTurn && !run_queue_->empty(); ++i) run_queue_->runFirst();
}

void Dispatcher::runFlush() {
  Anchor now;
  now.take(*flush_queue_);
  while (!now.empty()) now.runFirst();
}

void Dispatcher::buryDead() {
  while (!graveyard_.empty()) {
    dying_.swap(graveyard_);
    dying_.clear();
  }
}

}  // namespace weir::event
