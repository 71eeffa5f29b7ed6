// What an accepted connection does while it is not parked; the rest is in parked_connection.cc.
#include "source/proxy/listener/downstream_connection.h"

#include <algorithm>
#include <utility>

#include "source/net/transport_info.h"

namespace weir::proxy {

DownstreamConnection::DownstreamConnection(ConnectionRegistry& registry, std::unique_ptr<net::Socket> socket,
                                           const FilterChain& chain, const DownstreamInfo& info)
    : registry_(registry),
      services_(registry.services_),
      chain_(chain),
      info_(info),
      connection_(registry.services_.worker.dispatcher, registry.services_.worker.blocks, std::move(socket),
                  registry.limitsFor(chain), *this),
      opened_(registry.services_.worker.dispatcher.now()),
      parks_(chain.terminal->rests() && chain.filters.empty()) {
  if (chain.transport == nullptr || chain.transport_timeout == absl::InfiniteDuration()) return;
  event::TimerHandler& handler = *this;
  handshake_timer_ = std::make_unique<event::Timer>(registry.services_.worker.dispatcher, handler);
  handshake_timer_->arm(chain.transport_timeout);
}

// The registry may be gone by now.
void DownstreamConnection::operator delete(DownstreamConnection* self, std::destroying_delete_t) {
  SizedPool& pool = self->services_.exchanges.connections;
  self->~DownstreamConnection();
  pool.give(self);
}

void DownstreamConnection::start() {
  if (chain_.filters.empty()) return openSession();
  std::vector<std::unique_ptr<filter::NetworkFilter>> filters;
  filters.reserve(chain_.filters.size());
  for (const auto& factory : chain_.filters) filters.push_back(factory->create(services_.worker));
  filters_ = std::make_unique<filter::NetworkChain>(std::move(filters), connection_, services_.worker,
                                                    services_.side_calls, behind_);
  filters_->start();
}

void DownstreamConnection::openSession() {
  session_ = chain_.terminal->create(services_, connection_, info_);
  session_->onAccepted();
}

void DownstreamConnection::Behind::onClose(net::CloseReason reason) {
  if (owner_.session_ != nullptr) owner_.session_->onClose(reason);
}

void DownstreamConnection::onInput(buffer::Buffer& input, bool end) {
  handshake_timer_.reset();
  filters_ != nullptr ? filters_->onInput(input, end) : session_->onInput(input, end);
}

// What there was to write is written; a response has ended if anything has.
void DownstreamConnection::onRoom() {
  filters_ != nullptr ? filters_->onRoom() : session_->onRoom();
  if (!parks_ || swept_) return;
  parks_ = session_->rests();
  if (parks_) registry_.sweepLater(*this);
}

void DownstreamConnection::drain() {
  if (session_ != nullptr) return session_->drain();
  connection_.close(net::CloseReason::kLocalReset);
}

void DownstreamConnection::onTimer(event::Timer&) {
  const net::TransportInfo* const info = connection_.transportInfo();
  if (info == nullptr || !info->version.empty()) return;  // done, and the client has said nothing since
  services_.worker.stats.add(registry_.stats_.cx_transport_socket_connect_timeout);
  connection_.close(net::CloseReason::kLocalReset);
}

void DownstreamConnection::onClose(net::CloseReason reason) {
  if (handshake_timer_ != nullptr) handshake_timer_->cancel();
  filters_ != nullptr ? filters_->onClose(reason) : session_->onClose(reason);
  const net::WorkerContext& worker = services_.worker;
  if (registry_.log_ != nullptr) {
    registry_.log_->connectionOver(info_, &connection_, opened_, http::Reason::kNone, worker);
  }
  registry_.leave(*this);
  worker.dispatcher.deleteLater(std::unique_ptr<event::Deletable>(this));
}

ConnectionRegistry::ConnectionRegistry(const Services& services, const ListenerStats& stats,
                                       net::Connection::Limits limits, upstream::SharedLimit& limit,
                                       const ListenerLog* log)
    : services_(services),
      stats_(stats),
      limits_(limits),
      limit_(limit),
      log_(log),
      sweep_(services.worker.dispatcher, *this) {}

ConnectionRegistry::~ConnectionRegistry() {
  resumeAll();
  while (first_ != nullptr) {
    std::unique_ptr<DownstreamConnection> doomed(first_);
    leave(*doomed);
  }
}

net::Connection::Limits ConnectionRegistry::limitsFor(const FilterChain& chain) const {
  net::Connection::Limits limits = limits_;
  limits.read_bytes = std::max(limits.read_bytes, chain.terminal->inputBytes());
  return limits;
}

bool ConnectionRegistry::add(std::unique_ptr<net::Socket> socket, const FilterChain& chain,
                             const DownstreamInfo& info) {
  if (limit_.tryTake() == upstream::SharedLimit::Take::kRefused) return false;
  auto* const connection =
      new (services_.exchanges.connections) DownstreamConnection(*this, std::move(socket), chain, info);
  link(*connection);
  ++size_;
  stats::Shard& shard = services_.worker.stats;
  shard.add(stats_.cx_total);
  shard.gaugeAdd(stats_.cx_active, 1);
  connection->start();
  return true;
}

void ConnectionRegistry::drain() {
  resumeAll();
  for (DownstreamConnection* at = first_; at != nullptr; at = at->next_) at->drain();
}

void ConnectionRegistry::closeAll() {
  resumeAll();
  for (DownstreamConnection* at = first_; at != nullptr; at = at->next_) {
    at->connection_.close(net::CloseReason::kLocalReset);
  }
}

void ConnectionRegistry::link(DownstreamConnection& connection) {
  connection.next_ = first_;
  if (first_ != nullptr) first_->previous_ = &connection;
  first_ = &connection;
}

void ConnectionRegistry::unlink(DownstreamConnection& connection) {
  dropFromSweep(connection);
  if (connection.previous_ != nullptr) connection.previous_->next_ = connection.next_;
  if (connection.next_ != nullptr) connection.next_->previous_ = connection.previous_;
  if (first_ == &connection) first_ = connection.next_;
  connection.next_ = connection.previous_ = nullptr;
}

void ConnectionRegistry::leave(DownstreamConnection& connection) {
  unlink(connection);
  --size_;
  limit_.give();
  stats::Shard& shard = services_.worker.stats;
  shard.add(stats_.cx_destroy);
  shard.gaugeAdd(stats_.cx_active, -1);
  const int64_t length = base::millisecondsBetween(connection.opened_, services_.worker.dispatcher.now());
  shard.record(stats_.cx_length_ms, static_cast<uint64_t>(length));
}

}  // namespace weir::proxy
