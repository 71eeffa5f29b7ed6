#include "source/proxy/active_listener.h"

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/base/log.h"

namespace weir::proxy {
namespace {

// Ids are unique in the process: the worker's index stands above the worker's own count.
constexpr unsigned kWorkerShift = 48;

}  // namespace

ActiveListener::ActiveListener(const ListenerConfig& config, const Services& services, upstream::SharedLimit& limit)
    : config_(config), services_(services), connections_(services, config.stats, limit) {}

void ActiveListener::addSocket(std::unique_ptr<net::ListenSocket> socket) {
  net::ListenerOwner& owner = *this;
  listeners_.push_back(std::make_unique<net::Listener>(services_.worker.dispatcher, std::move(socket), owner));
}

absl::Status ActiveListener::start() {
  for (const std::unique_ptr<net::Listener>& listener : listeners_) {
    if (absl::Status status = listener->start(config_.backlog); !status.ok()) return status;
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

void ActiveListener::onAccept(std::unique_ptr<net::Socket> socket, const net::Address& peer) {
  stats::Shard& shard = services_.worker.stats;
  DownstreamInfo info;
  info.local = socket->localAddress();
  info.remote = peer;
  const FilterChain* const chain = config_.chains->match(info.local, info.remote, "raw_buffer");
  if (chain == nullptr) {
    shard.add(config_.stats.no_filter_chain_match);
    return;
  }
  info.connection_id = (uint64_t{services_.worker.index} << kWorkerShift) | ++services_.last_connection_id;
  if (chain->transport != nullptr) socket = chain->transport->wrap(std::move(socket), services_.worker, "");
  if (!connections_.add(std::move(socket), config_.limits, *chain, info)) shard.add(config_.stats.cx_overflow);
}

void ActiveListener::onExhausted(int error) {
  services_.worker.stats.add(config_.stats.accept_exhausted);
  LOG(kWarning, "listener ", config_.name, ": cannot accept: ", strerror(error),
      "; raise the limit of open files or lower that of connections");
}

}  // namespace weir::proxy
