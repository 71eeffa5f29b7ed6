#include "source/event/libevent_poller.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <new>
#include <utility>
#include <vector>

#include "source/base/check.h"

namespace weir::event {
namespace {

constexpr int64_t kNever = INT64_MAX;
// A fraction of the second-level cache of any server: bytes are read, perhaps looked at, and written by the same core.
constexpr size_t kReadPerPoll = size_t{128} * 1024;
constexpr int64_t kNanosecondsPerSecond = 1'000'000'000;

event_base* newBase() {
  event_config* config = event_config_new();
  CHECK(config != nullptr, "an event loop needs memory");
  event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
  event_config_set_flag(config, EVENT_BASE_FLAG_IGNORE_ENV);
  // Without timers of its own it has no use for the time, and need not read it in every turn.
  event_config_set_flag(config, EVENT_BASE_FLAG_NO_CACHE_TIME);
  event_config_require_features(config, EV_FEATURE_ET);
  event_base* base = event_base_new_with_config(config);
  event_config_free(config);
  CHECK(base != nullptr, "the machine must offer edge-triggered readiness");
  return base;
}

struct Signal {
  ::event ev;
  std::function<void()> fn;
};

}  // namespace

struct LibeventPoller::State {
  event_base* base = newBase();
  short interest = EV_READ | EV_WRITE | EV_ET | EV_PERSIST;
  int interrupt_fd = -1;
  int timer_fd = -1;
  ::event interrupt_event;
  ::event timer_event;
  int64_t timer_at = kNever;  // what timer_fd is set to
  absl::FunctionRef<void()>* awake = nullptr;
  bool delivered = false;
  size_t read = 0;  // bytes of this poll
  std::vector<std::unique_ptr<Signal>> signals;
};

LibeventPoller::LibeventPoller() : state_(std::make_unique<State>()) {
  State& s = *state_;
  if ((event_base_get_features(s.base) & EV_FEATURE_EARLY_CLOSE) != 0) s.interest |= EV_CLOSED;
  s.interrupt_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  s.timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  CHECK(s.interrupt_fd >= 0 && s.timer_fd >= 0, "a worker needs two descriptors before it can start");
  // Neither is ever read: with edge triggering, each write and each expiry reports once.
  const auto interrupted = [](int, short, void* self) {
    static_cast<LibeventPoller*>(self)->interrupted_.store(false, std::memory_order_release);
  };
  const auto expired = [](int, short, void* self) { static_cast<LibeventPoller*>(self)->state_->timer_at = kNever; };
  event_assign(&s.interrupt_event, s.base, s.interrupt_fd, EV_READ | EV_ET | EV_PERSIST, interrupted, this);
  event_assign(&s.timer_event, s.base, s.timer_fd, EV_READ | EV_ET | EV_PERSIST, expired, this);
  CHECK(event_add(&s.interrupt_event, nullptr) == 0 && event_add(&s.timer_event, nullptr) == 0,
        "a fresh event loop takes its first events");
}

LibeventPoller::~LibeventPoller() {
  State& s = *state_;
  for (const std::unique_ptr<Signal>& signal : s.signals) event_del(&signal->ev);
  event_del(&s.interrupt_event);
  event_del(&s.timer_event);
  event_base_free(s.base);
  ::close(s.interrupt_fd);
  ::close(s.timer_fd);
}

bool LibeventPoller::poll(std::optional<base::MonotonicTime> until, absl::FunctionRef<void()> awake) {
  State& s = *state_;
  int flags = EVLOOP_ONCE;
  if (until.has_value() && *until <= kNow) {
    flags |= EVLOOP_NONBLOCK;
  } else if (until.has_value() && until->nanoseconds < s.timer_at) {
    // Waking too early costs one idle turn; setting the timer costs a system call. Deadlines mostly move away.
    setTimer(*until);
  }
  s.awake = &awake;
  s.delivered = false;
  s.read = 0;
  event_base_loop(s.base, flags);
  beAwake();  // nothing may have been ready
  return s.delivered;
}

void LibeventPoller::interrupt() {
  if (interrupted_.exchange(true, std::memory_order_acq_rel)) return;
  const uint64_t one = 1;
  // Cannot fail: the counter is far from its end.
  [[maybe_unused]] const ssize_t written = ::write(state_->interrupt_fd, &one, sizeof(one));
}

std::unique_ptr<LibeventPoller::Watch> LibeventPoller::watch(int fd, ReadyHandler& handler) {
  return std::make_unique<Watch>(*this, fd, handler);
}

void LibeventPoller::noteRead(size_t bytes) {
  State& s = *state_;
  s.read += bytes;
  // What is not delivered stays active, in order. Without effect from outside of the loop.
  if (s.read >= kReadPerPoll) event_base_loopbreak(s.base);
}

void LibeventPoller::watchSignal(int signo, std::function<void()> fn) {
  auto signal = std::make_unique<Signal>();
  signal->fn = std::move(fn);
  const auto raised = [](int, short, void* arg) { static_cast<Signal*>(arg)->fn(); };
  event_assign(&signal->ev, state_->base, signo, EV_SIGNAL | EV_PERSIST, raised, signal.get());
  CHECK(event_add(&signal->ev, nullptr) == 0, "only one poller of a process may watch signals");
  state_->signals.push_back(std::move(signal));
}

// One that has passed meanwhile expires at once.
void LibeventPoller::setTimer(base::MonotonicTime until) {
  State& s = *state_;
  itimerspec spec = {};
  spec.it_value.tv_sec = until.nanoseconds / kNanosecondsPerSecond;
  spec.it_value.tv_nsec = until.nanoseconds % kNanosecondsPerSecond;
  CHECK(timerfd_settime(s.timer_fd, TFD_TIMER_ABSTIME, &spec, nullptr) == 0, "an absolute time is valid");
  s.timer_at = until.nanoseconds;
}

void LibeventPoller::beAwake() {
  if (state_->awake == nullptr) return;
  absl::FunctionRef<void()>* awake = std::exchange(state_->awake, nullptr);
  (*awake)();
}

void LibeventPoller::deliver(ReadyHandler& handler, Readiness ready) {
  beAwake();
  state_->delivered = true;
  handler.onReady(ready);
}

LibeventPoller::Watch::Watch(LibeventPoller& poller, int fd, ReadyHandler& handler)
    : poller_(poller), handler_(&handler) {
  static_assert(sizeof(::event) <= sizeof(event_) && alignof(::event) <= 8);
  ::event* ev = new (event_)::event;
  event_assign(ev, poller.state_->base, fd, poller.state_->interest, &Watch::onEvent, this);
  if (event_add(ev, nullptr) != 0) {
    refused_ = true;
    event_active(ev, EV_READ | EV_WRITE | EV_CLOSED, 0);
  }
}

LibeventPoller::Watch::~Watch() { event_del(std::launder(reinterpret_cast<::event*>(event_))); }

void LibeventPoller::Watch::onEvent(int, short what, void* watch) {
  Watch* self = static_cast<Watch*>(watch);
  Readiness ready;
  ready.readable = (what & EV_READ) != 0;
  ready.writable = (what & EV_WRITE) != 0;
  ready.closed = (what & EV_CLOSED) != 0;
  self->poller_.deliver(*self->handler_, ready);
}

}  // namespace weir::event
