// Keepalive: asks the peer of an HTTP/2 connection for signs of life, and says when there was none in time. Made and
// owned by the session of the connection, on either side; works on the codec alone and has one timer. One worker. It
// tells its owner once that the peer is dead, from the loop; it is not used after that.
#pragma once

#include <cstdint>

#include "absl/time/time.h"
#include "source/base/clock.h"
#include "source/base/random.h"
#include "source/event/dispatcher.h"
#include "source/event/timer.h"
#include "source/http/codec.h"

namespace weir::http {

struct KeepaliveOptions {
  absl::Duration interval = absl::ZeroDuration();  // from one question to the next; zero: none by time alone
  absl::Duration timeout = absl::Seconds(20);      // for the answer, from the last byte that came
  double jitter_percent = 15;                      // of the interval, added at random
  // A stream that begins after so long without a byte from the peer asks first. Zero: never.
  absl::Duration idle_interval = absl::ZeroDuration();
};

class KeepaliveOwner {
 public:
  virtual void onPeerDead() = 0;

 protected:
  ~KeepaliveOwner() = default;
};

class Keepalive final : private event::TimerHandler {
 public:
  // The connection is open. All outlive it.
  Keepalive(const KeepaliveOptions& options, event::Dispatcher& dispatcher, base::Random& random, Codec& codec,
            KeepaliveOwner& owner);

  // Something came from the peer. Costs a store.
  void onReceived() { last_received_ = dispatcher_.now(); }
  // A stream is about to be opened on the connection.
  void beforeStream();

 private:
  void onTimer(event::Timer& timer) override;
  void ask();
  void planNext();

  const KeepaliveOptions& options_;
  event::Dispatcher& dispatcher_;
  base::Random& random_;
  Codec& codec_;
  KeepaliveOwner& owner_;
  event::Timer timer_;
  base::MonotonicTime last_received_;
  base::MonotonicTime asked_;
  bool asking_ = false;
};

}  // namespace weir::http
