#include "source/upstream/connection_pool.h"

#include <algorithm>
#include <utility>

namespace weir::upstream {

ConnectionPool::ConnectionPool(ClusterShard& shard, WaiterPool& waiters, uint32_t host, Priority priority,
                               http::Version version, const net::Purpose& purpose)
    : Wakeable(shard.worker.dispatcher),
      shard_(shard),
      waiters_(waiters),
      server_name_(purpose.host_name),
      client_(purpose.client == nullptr ? std::nullopt : std::optional(*purpose.client)),
      connections_(shard, host, priority, version, *this),
      patience_(shard.worker.dispatcher, *this) {
  shard_.pools.push_back(this);
}

ConnectionPool::~ConnectionPool() {
  if (!retired_) leave();
  while (!arrivals_.empty()) waiters_.give(*arrivals_.first());
  while (!pending_.empty()) waiters_.give(*pending_.first());
}

void ConnectionPool::leave() {
  std::erase(shard_.pools, this);
  std::erase(shard_.permit_waiters, static_cast<event::Wakeable*>(this));
  shard_.givePool(connections_.priority);
}

void ConnectionPool::retire() {
  leave();
  retired_ = HostRef(shard_.state(connections_.host));
  closeIdle();
}

base::Ticket ConnectionPool::open(const PickContext& context, StreamReceiver& receiver) {
  Waiter& waiter = waiters_.take(receiver, connections_.host, context);
  shard_.begin(connections_.host);
  arrivals_.pushBack(waiter);
  wake();
  return waiter.issue();
}

void ConnectionPool::closeIdle() {
  while (!connections_.idle.empty()) connections_.idle.last()->close();
}

// Receivers are called from here. They may cancel other tickets and open more streams, so each step looks at the lists
// anew; those who arrive meanwhile are served in the next wake.
void ConnectionPool::onWake() {
  size_t arrived = arrivals_.size();
  const bool asked = arrived > 0;
  failForConnects();
  while (!pending_.empty()) {
    UpstreamConnection* const connection = available();
    if (connection == nullptr) break;
    serve(*pending_.first(), *connection);
  }
  for (; arrived > 0 && !arrivals_.empty(); --arrived) admit(*arrivals_.first());
  openConnections();
  if (asked) {
    const double ratio = shard_.config().preconnect_ratio;
    for (int i = 0; ratio > 1 && i < kAheadAtOnce && wantsAhead(ratio, 0) && openAhead(ratio); ++i) {
    }
  }
  connections_.awaited = !pending_.empty();
  if (!arrivals_.empty()) {
    wake();
  } else if (pending_.empty() && shard_.retiring(connections_.host)) {
    closeIdle();
  }
}

UpstreamConnection* ConnectionPool::available() {
  for (ConnectionList* const list : {&connections_.sharing, &connections_.idle}) {
    while (!list->empty()) {
      if (list->first()->ready()) return list->first();
    }
  }
  return nullptr;
}

// Of those that are being opened.
size_t ConnectionPool::expectedStreams() const { return connections_.connecting.size() * connections_.streams_each; }

void ConnectionPool::admit(Waiter& waiter) {
  if (waiter.resend() && !waiter.startRetry()) {
    shard_.worker.stats.add(shard_.stats().rq_retry_overflow);
    fail(waiter, http::Reason::kRetryLimit);
  } else if (UpstreamConnection* const connection = available()) {
    serve(waiter, *connection);
  } else if (waiter.startWaiting()) {
    const absl::Duration patience = shard_.config().pending_timeout;
    waiter.setDeadline(shard_.worker.dispatcher.now() + patience);
    if (pending_.empty() && patience != absl::InfiniteDuration()) patience_.arm(patience);
    pending_.pushBack(waiter);
    connections_.awaited = true;
  } else {
    shard_.worker.stats.add(shard_.stats().rq_pending_overflow);
    fail(waiter, http::Reason::kUpstreamOverflow);
  }
}

// All have the same patience, so that those who came first lose it first.
void ConnectionPool::onTimer(event::Timer&) {
  const base::MonotonicTime now = shard_.worker.dispatcher.now();
  while (!pending_.empty() && pending_.first()->deadline() <= now) {
    shard_.worker.stats.add(shard_.stats().rq_pending_timeout);
    fail(*pending_.first(), http::Reason::kPendingTimeout);
  }
  if (!pending_.empty()) patience_.armAt(pending_.first()->deadline());
}

void ConnectionPool::failForConnects() {
  for (; connections_.failures > 0; --connections_.failures) {
    const bool alone = connections_.connecting.empty() && connections_.carrying() == 0 && connections_.idle.empty();
    const size_t expected = std::min(expectedStreams(), pending_.size());
    size_t count = alone ? pending_.size() : std::min(pending_.size() - expected, connections_.streams_each);
    for (; count > 0 && !pending_.empty(); --count) {
      shard_.worker.stats.add(shard_.stats().rq_pending_failure_eject);
      fail(*pending_.first(), connections_.failure, connections_.failed_transport);
    }
  }
}

void ConnectionPool::serve(Waiter& waiter, UpstreamConnection& connection) {
  if (!shard_.takeRequest(connections_.priority)) {
    shard_.worker.stats.add(shard_.stats().rq_pending_overflow);
    fail(waiter, http::Reason::kUpstreamOverflow);
    return;
  }
  StreamReceiver& receiver = waiter.receiver();
  RetryLease retry = waiter.handOverRetry();
  waiters_.give(waiter);
  http::StreamPtr stream = connection.openStream();
  receiver.onStreamOpen({std::move(stream), HostRef(shard_.state(connections_.host)), connection.localAddress(),
                         connection.reused(), connection.multiplexed(), std::move(retry), connection.transport()});
}

void ConnectionPool::fail(Waiter& waiter, http::Reason reason, std::shared_ptr<const net::TransportInfo> transport) {
  StreamReceiver& receiver = waiter.receiver();
  HostRef host(shard_.state(connections_.host));
  waiters_.give(waiter);
  shard_.end(connections_.host);
  if (transport != nullptr) receiver.onTransportFailed(std::move(transport));
  receiver.onStreamFailed(reason, std::move(host));
}

void ConnectionPool::failPending(http::Reason reason) {
  for (size_t count = pending_.size(); count > 0 && !pending_.empty(); --count) fail(*pending_.first(), reason);
}

void ConnectionPool::openConnections() {
  // Idle are only those that were adopted just now; they serve in the next wake.
  while (expectedStreams() + connections_.idle.size() < pending_.size() && connections_.failures == 0) {
    if (adoptOne()) continue;
    if (shard_.takeConnection(connections_.host, connections_.priority)) {
      connectOne();
      continue;
    }
    if (mayWaitForPermit()) return;
    shard_.worker.stats.add(shard_.stats().cx_overflow);
    failPending(http::Reason::kUpstreamOverflow);
    return;
  }
}

size_t ConnectionPool::capacity() const {
  size_t sum = expectedStreams();
  for (const ConnectionList* const list : {&connections_.idle, &connections_.sharing}) {
    for (const UpstreamConnection* one = list->first(); one != nullptr; one = ConnectionList::next(*one)) {
      sum += one->freeStreams();
    }
  }
  return sum;
}

// The rule of the xDS API: for each stream that is open, waits or is expected, `ratio` that are open or could be at
// once.
bool ConnectionPool::wantsAhead(double ratio, size_t expected) const {
  const size_t open = connections_.streams;
  return static_cast<double>(pending_.size() + open + expected) * ratio > static_cast<double>(capacity() + open);
}

bool ConnectionPool::openAhead(double ratio) {
  if (connections_.failures > 0 || shard_.retiring(connections_.host)) return false;
  if (!wantsAhead(ratio, 1)) return false;
  if (adoptOne()) return true;
  if (!shard_.takeConnection(connections_.host, connections_.priority)) return false;
  connectOne();
  return true;
}

bool ConnectionPool::adoptOne() {
  if (connections_.version != http::Version::kHttp11) return false;
  std::optional<IdleShelf::Idle> idle = shard_.shelf.take(connections_.host, connections_.priority);
  if (!idle.has_value()) return false;
  UpstreamConnection::resume(connections_, *std::move(idle));
  return true;
}

void ConnectionPool::connectOne() {
  absl::StatusOr<std::unique_ptr<net::Socket>> socket =
      shard_.openSocket(connections_.host, {server_name_, client_ ? &*client_ : nullptr});
  if (socket.ok()) {
    UpstreamConnection::start(connections_, *std::move(socket));
    return;
  }
  shard_.connectionOpened(connections_.host);
  shard_.connectFailed(connections_.host, false);
  shard_.connectionGone(connections_.host, connections_.priority);
  ++connections_.failures;
  connections_.failure = http::Reason::kConnectFailure;
  connections_.failed_transport = nullptr;
  wake();
}

bool ConnectionPool::mayWaitForPermit() {
  bool hope = connections_.size() > 0;
  if (hope) {
    // Its own connections serve those who wait, as they become idle or end.
  } else {
    for (ConnectionPool* pool : shard_.pools) {
      if (pool->connections_.priority != connections_.priority || pool->connections_.idle.empty()) continue;
      pool->connections_.idle.last()->close();
      hope = true;
      break;
    }
  }
  std::vector<event::Wakeable*>& waiting = shard_.permit_waiters;
  if (!hope || std::find(waiting.begin(), waiting.end(), static_cast<event::Wakeable*>(this)) != waiting.end())
    return hope;
  shard_.worker.stats.add(shard_.stats().cx_overflow);
  waiting.push_back(this);
  return true;
}

}  // namespace weir::upstream
