// LibeventPoller: the Poller of real workers. One event_base without locks, one edge-triggered event per descriptor
// for its whole life, an eventfd for interrupt(), and a timerfd that is only set again when poll() must wake earlier
// than it is set to; `until` is on CLOCK_MONOTONIC. A turn costs one epoll_wait and no other system call. Made by the
// worker's thread (or for it, before it starts), which owns it; used by its Dispatcher and its KernelNetwork. Only
// interrupt() is thread-safe.
//
// libevent's own timers are not used: without timerfd they count in steps of the kernel's tick (4 ms).
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>

#include "absl/functional/function_ref.h"
#include "source/base/clock.h"
#include "source/event/poller.h"

namespace weir::event {

class LibeventPoller final : public Poller {
 public:
  class Watch;

  LibeventPoller();
  ~LibeventPoller() override;

  bool poll(std::optional<base::MonotonicTime> until, absl::FunctionRef<void()> awake) override;
  void interrupt() override;

  // Reports edges of `fd` to `handler`, which must outlive the watch. Never null; see Watch::refused().
  std::unique_ptr<Watch> watch(int fd, ReadyHandler& handler);

  // So many bytes were read for a handler. When a poll has brought more than the processor keeps close by, it ends:
  // what else is ready comes with the next, at once, and these bytes are first passed on.
  void noteRead(size_t bytes);

  // Calls `fn` from poll() after each `signo`. For the life of the poller; on one poller of the process only.
  void watchSignal(int signo, std::function<void()> fn);

 private:
  struct State;
  void deliver(ReadyHandler& handler, Readiness ready);
  void setTimer(base::MonotonicTime until);
  void beAwake();

  std::unique_ptr<State> state_;
  std::atomic<bool> interrupted_{false};
};

// Registration of one descriptor. Destroy it before the descriptor is closed; readiness that this poll had already
// collected for it is then not delivered.
class LibeventPoller::Watch {
 public:
  Watch(LibeventPoller& poller, int fd, ReadyHandler& handler);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // The kernel did not take the registration (no memory, too many watches): the handler is told once that everything
  // is ready and closed, and nothing after.
  bool refused() const { return refused_; }
  // Edges go there from now on, also one that this poll has collected and not delivered.
  void setHandler(ReadyHandler& handler) { handler_ = &handler; }

 private:
  friend class LibeventPoller;
  static void onEvent(int fd, short what, void* watch);

  LibeventPoller& poller_;
  ReadyHandler* handler_;
  alignas(8) std::byte event_[128];  // struct event, kept out of this header
  bool refused_ = false;
};

}  // namespace weir::event
