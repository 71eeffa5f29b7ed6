// HandshakeGate: bounds what handshakes take of a worker's turn. One has cost a server 0.3 to 1 ms of arithmetic when
// it is done, so a thousand that come at once would be half a second in which no other connection is served. With the
// gate they get 2 ms of each turn, at least one step, in the order in which they came, and everything else goes on
// between. Made and owned by a HandshakeGates; used by the TlsSockets of one transport on one worker.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>

#include "absl/time/time.h"
#include "source/base/clock.h"
#include "source/event/dispatcher.h"

namespace weir::net::tls {

class HandshakeGate {
 public:
  explicit HandshakeGate(event::Dispatcher& dispatcher) : dispatcher_(dispatcher), turn_(dispatcher.now()) {}
  HandshakeGate(const HandshakeGate&) = delete;
  HandshakeGate& operator=(const HandshakeGate&) = delete;

  // Whether a step of a handshake may be done now. Who is refused waits until it is admitted or leaves: it asks again
  // in the flush phase of each turn, with `waits`, and nobody overtakes it.
  bool enter(bool waits);
  // One that waits will not ask again.
  void leave() { --waiting_; }
  size_t waiting() const { return waiting_; }

  static constexpr absl::Duration kPerTurn = absl::Milliseconds(2);

 private:
  event::Dispatcher& dispatcher_;
  base::MonotonicTime turn_;  // the one that `steps_` counts
  size_t steps_ = 0;
  size_t waiting_ = 0;
};

// The gates of one transport, one for each worker. Shared by them, under a lock that is taken once per connection.
class HandshakeGates {
 public:
  // Lives as long as this object.
  HandshakeGate& on(event::Dispatcher& dispatcher);

 private:
  std::mutex mutex_;
  std::map<const event::Dispatcher*, std::unique_ptr<HandshakeGate>> gates_;  // guarded by mutex_
};

}  // namespace weir::net::tls
