// How connections come to rest, wait, and go on.
//
// A connection that may have come to rest stands in the list of the sweep, which looks at the front of it: who moved a
// byte since goes to the end, who is at rest is parked, who has work under way leaves the list until it has written
// all of it. A connection at work costs nothing but to look at a bit, and a timer runs only while the list has entries.
#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "source/proxy/listener/downstream_connection.h"

namespace weir::proxy {

// --- the sweep

void ConnectionRegistry::sweepLater(DownstreamConnection& connection) {
  connection.swept_ = true;
  connection.next_swept_ = nullptr;
  connection.previous_swept_ = std::exchange(last_swept_, &connection);
  DownstreamConnection*& before = connection.previous_swept_;
  (before != nullptr ? before->next_swept_ : first_swept_) = &connection;
  if (++swept_ == 1 && !sweep_.armed()) sweep_.arm(kSweepEvery);
}

void ConnectionRegistry::dropFromSweep(DownstreamConnection& connection) {
  if (!std::exchange(connection.swept_, false)) return;
  DownstreamConnection* const before = connection.previous_swept_;
  DownstreamConnection* const after = connection.next_swept_;
  (before != nullptr ? before->next_swept_ : first_swept_) = after;
  (after != nullptr ? after->previous_swept_ : last_swept_) = before;
  --swept_;
}

void ConnectionRegistry::onTimer(event::Timer&) {
  for (size_t left = std::min(swept_, kSweepMost); left > 0; --left) sweep(*first_swept_);
  if (swept_ > 0) sweep_.arm(kSweepEvery);
}

void ConnectionRegistry::sweep(DownstreamConnection& connection) {
  dropFromSweep(connection);
  // What was written a moment ago may not have been the end of it.
  const base::MonotonicTime now = services_.worker.dispatcher.now();
  if (now < connection.connection_.lastActivity() + kParkAfter) return sweepLater(connection);
  const std::optional<SessionRest> rest = connection.session_->rest();
  if (!rest.has_value()) return;
  if (connection.connection_.quiet()) return park(connection, *rest);
  connection.connection_.verify();
  sweepLater(connection);
}

// --- to rest, and on

void ConnectionRegistry::park(DownstreamConnection& connection, const SessionRest& rest) {
  std::unique_ptr<ParkedConnection> parked(new ParkedConnection(*this, connection, rest));
  std::optional<net::Connection::Rest> left = connection.connection_.park(*parked);
  if (!left.has_value()) {
    connection.parks_ = false;  // its socket cannot be handed over
    return;
  }
  parked->connection_ = std::move(*left);
  connection.session_->leave();
  unlink(connection);
  delete &connection;
  ++parked_;
  parked->next_ = first_parked_;
  if (first_parked_ != nullptr) first_parked_->previous_ = parked.get();
  first_parked_ = parked.release();
}

DownstreamConnection& ConnectionRegistry::resume(ParkedConnection& parked) {
  if (parked.previous_ != nullptr) parked.previous_->next_ = parked.next_;
  if (parked.next_ != nullptr) parked.next_->previous_ = parked.previous_;
  if (first_parked_ == &parked) first_parked_ = parked.next_;
  --parked_;
  auto* const connection = new (services_.exchanges.connections) DownstreamConnection(*this, parked);
  delete &parked;
  link(*connection);
  sweepLater(*connection);  // it may have been woken for nothing
  return *connection;
}

void ConnectionRegistry::resumeAll() {
  while (first_parked_ != nullptr) resume(*first_parked_);
}

DownstreamConnection::DownstreamConnection(ConnectionRegistry& registry, ParkedConnection& parked)
    : registry_(registry),
      services_(registry.services_),
      chain_(parked.chain_),
      info_(parked.info()),
      connection_(registry.services_.worker.dispatcher, registry.services_.worker.blocks, std::move(parked.connection_),
                  registry.limitsFor(parked.chain_), *this),
      session_(chain_.terminal->resume(registry.services_, connection_, info_, parked.session_, parked.opened_)),
      opened_(parked.opened_),
      parks_(true) {}

ParkedConnection::ParkedConnection(ConnectionRegistry& registry, const DownstreamConnection& from,
                                   const SessionRest& rest)
    : registry_(registry),
      chain_(from.chain_),
      session_(rest),
      opened_(from.opened_),
      id_(from.info_.connection_id),
      timer_(registry.services_.worker.dispatcher, *this) {
  DownstreamInfo known;
  known.connection_id = id_;
  known.local = from.connection_.localAddress();
  known.remote = from.connection_.remoteAddress();
  if (from.info_ != known) info_ = std::make_unique<const DownstreamInfo>(from.info_);
  const absl::Duration left = rest.deadline - registry.services_.worker.dispatcher.now();
  if (rest.deadline.nanoseconds != std::numeric_limits<int64_t>::max()) timer_.arm(left);
}

DownstreamInfo ParkedConnection::info() const {
  if (info_ != nullptr) return *info_;
  DownstreamInfo info;
  info.connection_id = id_;
  info.local = connection_.socket->localAddress();
  info.remote = connection_.socket->remoteAddress();
  return info;
}

// Nothing of this object is left after resume().
void ParkedConnection::onReady(event::Readiness ready) {
  if (ready.readable || ready.closed) registry_.resume(*this).connection_.goOn(ready);
}

// The session has the same deadline, and finds that it is over.
void ParkedConnection::onTimer(event::Timer&) { registry_.resume(*this); }

}  // namespace weir::proxy
