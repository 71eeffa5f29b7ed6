#include "source/net/tls/handshake_gate.h"

namespace weir::net::tls {

bool HandshakeGate::enter(bool waits) {
  if (turn_ != dispatcher_.now()) {
    turn_ = dispatcher_.now();
    steps_ = 0;
  }
  const bool overtakes = !waits && waiting_ > 0;
  const bool time_left = steps_ == 0 || dispatcher_.clock().monotonic() - turn_ < kPerTurn;
  if (overtakes || !time_left) {
    if (!waits) ++waiting_;
    return false;
  }
  ++steps_;
  if (waits) --waiting_;
  return true;
}

HandshakeGate& HandshakeGates::on(event::Dispatcher& dispatcher) {
  const std::lock_guard lock(mutex_);
  std::unique_ptr<HandshakeGate>& gate = gates_[&dispatcher];
  if (gate == nullptr) gate = std::make_unique<HandshakeGate>(dispatcher);
  return *gate;
}

}  // namespace weir::net::tls
