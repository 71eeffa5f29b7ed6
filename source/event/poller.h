// Poller: what a Dispatcher waits on. LibeventPoller is the real one (readiness and one timer from libevent); the
// test harness has a simulated one. One per worker, owned by the worker, used by its Dispatcher only. A ReadyHandler
// is told of edges: "became readable" is said once, and again only after new bytes have come (law 10).
#pragma once

#include <cstdint>
#include <optional>

#include "absl/functional/function_ref.h"
#include "source/base/clock.h"

namespace weir::event {

struct Readiness {
  bool readable = false;  // bytes, an accepted connection, or the end of the stream may be read
  bool writable = false;  // room in the kernel, or a connect has finished
  bool closed = false;    // the peer has closed its sending side, or the socket failed
};

class ReadyHandler {
 public:
  // Called from Poller::poll, never from inside another call.
  virtual void onReady(Readiness ready) = 0;

 protected:
  ~ReadyHandler() = default;
};

class Poller {
 public:
  virtual ~Poller() = default;
  // Waits for readiness and delivers it to the handlers, until the monotonic clock of its dispatcher shows `until` at
  // the latest: it never waits for kNow, and without limit when there is none. Returns whenever interrupted. Calls
  // `awake` exactly once: after the wait, before the first handler, so that handlers see the time at which the turn
  // began. Returns whether any handler was called.
  static constexpr base::MonotonicTime kNow{0};
  virtual bool poll(std::optional<base::MonotonicTime> until, absl::FunctionRef<void()> awake) = 0;
  // Makes a poll() that is running, or the next one, return. The only call that is safe from other threads.
  virtual void interrupt() = 0;
};

}  // namespace weir::event
