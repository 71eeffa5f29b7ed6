#include "test/proxy/session_world.h"

#include <utility>

#include "source/base/check.h"

namespace weir::proxy {

SessionWorld::SessionWorld() : stats_(ListenerStats::make(world.registry, "test")) {}

SessionWorld::~SessionWorld() = default;

void SessionWorld::start(std::unique_ptr<const SessionFactory> factory,
                         std::vector<std::shared_ptr<const upstream::Cluster>> clusters,
                         std::vector<std::unique_ptr<const filter::NetworkFilterFactory>> filters) {
  chain_.name = "0";
  chain_.terminal = std::move(factory);
  chain_.filters = std::move(filters);
  const net::WorkerContext& context = world.worker().context;
  clusters_ = std::make_unique<upstream::ClusterManager>(clusters, context);
  side_calls_ = std::make_unique<SideCalls>(context, *clusters_);
  services_.reset(new Services{context, *clusters_, exchanges_, last_connection_id_, draining_, *side_calls_});
  connections_ = std::make_unique<ConnectionRegistry>(*services_, stats_, limits, limit_);
  auto socket = world.worker().network.bind(net::Address::parseIp("10.0.0.9", 0).value(), {});
  CHECK(socket.ok(), "the simulated network has free ports");
  listener_ =
      std::make_unique<net::Listener>(context.dispatcher, *std::move(socket), static_cast<net::ListenerOwner&>(*this));
  CHECK(listener_->start(128).ok(), "a bound socket listens");
}

void SessionWorld::onAccept(std::unique_ptr<net::Socket> socket, const net::Address& peer) {
  DownstreamInfo info{++last_connection_id_, restored.value_or(socket->localAddress()), peer};
  info.local_restored = restored.has_value();
  CHECK(connections_->add(std::move(socket), chain_, info), "the limit is far away");
}

upstream::OriginPeer& SessionWorld::connect() {
  clients.push_back(std::make_unique<upstream::OriginPeer>(world.origin_worker, listener_->localAddress()));
  return *clients.back();
}

}  // namespace weir::proxy
