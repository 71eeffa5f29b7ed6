#include "source/http/keepalive.h"

#include <algorithm>

// The one timer stands for the next question while none is open, and for the answer while one is. An answer is noticed
// when the timer comes up, so that it costs nothing when it comes.

namespace weir::http {

Keepalive::Keepalive(const KeepaliveOptions& options, event::Dispatcher& dispatcher, base::Random& random, Codec& codec,
                     KeepaliveOwner& owner)
    : options_(options),
      dispatcher_(dispatcher),
      random_(random),
      codec_(codec),
      owner_(owner),
      timer_(dispatcher, *this),
      last_received_(dispatcher.now()),
      asked_(dispatcher.now()) {
  planNext();
}

void Keepalive::beforeStream() {
  if (asking_ || options_.idle_interval <= absl::ZeroDuration()) return;
  if (dispatcher_.now() - last_received_ >= options_.idle_interval) ask();
}

void Keepalive::ask() {
  codec_.ping();
  asking_ = true;
  asked_ = dispatcher_.now();
  timer_.arm(options_.timeout);
}

void Keepalive::planNext() {
  if (options_.interval <= absl::ZeroDuration()) return;
  constexpr uint64_t kSteps = 10000;
  const double share = options_.jitter_percent / 100 * static_cast<double>(random_.below(kSteps)) / kSteps;
  const absl::Duration wait = options_.interval * (1 + share);
  timer_.arm(std::max(asked_ + wait - dispatcher_.now(), absl::ZeroDuration()));
}

void Keepalive::onTimer(event::Timer&) {
  if (!asking_) return ask();
  if (!codec_.pingPending()) {
    asking_ = false;
    return planNext();
  }
  const base::MonotonicTime deadline = std::max(asked_, last_received_) + options_.timeout;
  if (dispatcher_.now() >= deadline) return owner_.onPeerDead();
  timer_.arm(deadline - dispatcher_.now());
}

}  // namespace weir::http
