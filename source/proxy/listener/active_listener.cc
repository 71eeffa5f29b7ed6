#include "source/proxy/listener/active_listener.h"

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/base/log.h"

namespace weir::proxy {
namespace {

// Ids are unique in the process: the worker's index stands above the worker's own count.
constexpr unsigned kWorkerShift = 48;

}  // namespace

ActiveListener::ActiveListener(const ListenerConfig& config, const Services& services, upstream::SharedLimit& limit,
                               const ListenerDirectory& others)
    : config_(config),
      services_(services),
      limit_(limit),
      others_(others),
      connections_(services, config.stats, config.limits, limit, &config.log) {}

ActiveListener::~ActiveListener() {
  for (size_t i = 0; i < pending_.size(); ++i) limit_.give();
  services_.worker.stats.gaugeAdd(config_.stats.pre_cx_active, -static_cast<int64_t>(pending_.size()));
}

void ActiveListener::addSocket(std::unique_ptr<net::ListenSocket> socket) {
  net::ListenerOwner& owner = *this;
  listeners_.push_back(std::make_unique<net::Listener>(services_.worker.dispatcher, std::move(socket), owner));
}

absl::Status ActiveListener::start() {
  for (const std::unique_ptr<net::Listener>& listener : listeners_) {
    if (absl::Status status = listener->start(config_.backlog, config_.accepts_per_turn); !status.ok()) return status;
  }
  return absl::OkStatus();
}

void ActiveListener::stop() {
  for (const std::unique_ptr<net::Listener>& listener : listeners_) listener->stop();
}

void ActiveListener::drain() { connections_.drain(); }

std::vector<net::Address> ActiveListener::addresses() const {
  std::vector<net::Address> all;
  for (const std::unique_ptr<net::Listener>& listener : listeners_) all.push_back(listener->localAddress());
  return all;
}

void ActiveListener::closeAll() {
  while (!pending_.empty()) onPendingOver(*pending_.front());
  connections_.closeAll();
}

void ActiveListener::onAccept(std::unique_ptr<net::Socket> socket, const net::Address& peer) {
  Inspected known;
  known.local = socket->localAddress();
  known.remote = known.direct_remote = peer;
  take(std::move(socket), std::move(known));
}

void ActiveListener::take(std::unique_ptr<net::Socket> socket, Inspected known) {
  if (config_.filters.empty()) return onInspected(std::move(socket), std::move(known));
  stats::Shard& shard = services_.worker.stats;
  if (limit_.tryTake() == upstream::SharedLimit::Take::kRefused) {
    shard.add(config_.stats.cx_overflow);
    return;
  }
  shard.gaugeAdd(config_.stats.pre_cx_active, 1);
  PendingOwner& owner = *this;
  pending_.push_front(std::make_unique<PendingConnection>(config_.filters, services_, std::move(socket),
                                                          std::move(known), config_.stats.pre_cx_timeout, owner));
  pending_.front()->place = pending_.begin();
  pending_.front()->start();
}

void ActiveListener::onPendingOver(PendingConnection& connection) {
  limit_.give();
  services_.worker.stats.gaugeAdd(config_.stats.pre_cx_active, -1);
  std::unique_ptr<PendingConnection> over = std::move(*connection.place);
  pending_.erase(connection.place);
  services_.worker.dispatcher.deleteLater(std::move(over));
}

void ActiveListener::onInspected(std::unique_ptr<net::Socket> socket, Inspected found) {
  if (config_.hands_over && found.local_restored && !found.handed_over) {
    ActiveListener* const meant = others_.find(found.local);
    if (meant != nullptr && meant != this) {
      found.handed_over = true;
      return meant->take(std::move(socket), std::move(found));
    }
  }
  stats::Shard& shard = services_.worker.stats;
  const FilterChain* const chain = config_.chains->match(found);
  DownstreamInfo info;
  info.local = std::move(found.local);
  info.remote = std::move(found.remote);
  info.server_name = std::move(found.server_name);
  info.fingerprints = std::move(found.fingerprints);
  info.proxy_tlvs = std::move(found.proxy_tlvs);
  info.local_restored = found.local_restored;
  info.connection_id = (uint64_t{services_.worker.index} << kWorkerShift) | ++services_.last_connection_id;
  if (chain == nullptr) {
    shard.add(config_.stats.no_filter_chain_match);
    const net::WorkerContext& worker = services_.worker;
    return config_.log.connectionOver(info, nullptr, worker.dispatcher.now(), http::Reason::kNoRoute, worker);
  }
  if (chain->transport != nullptr) socket = chain->transport->wrap(std::move(socket), services_.worker, {});
  if (!connections_.add(std::move(socket), *chain, info)) shard.add(config_.stats.cx_overflow);
}

void ActiveListener::onExhausted(int error) {
  services_.worker.stats.add(config_.stats.accept_exhausted);
  LOG(kWarning, "listener ", config_.name, ": cannot accept: ", strerror(error),
      "; raise the limit of open files or lower that of connections");
}

}  // namespace weir::proxy
