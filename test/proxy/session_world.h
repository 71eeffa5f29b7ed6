// SessionWorld: a listener on a simulated network whose connections are served by one terminal session factory, with
// clusters, clients and origins. For tests of sessions that need no HTTP.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "source/filter/access_log.h"
#include "source/filter/stream_info.h"
#include "source/net/listener.h"
#include "source/proxy/exchange_pool.h"
#include "source/proxy/listener/downstream_connection.h"
#include "source/proxy/listener/filter_chain.h"
#include "source/proxy/session_factory.h"
#include "source/proxy/side_calls.h"
#include "source/upstream/cluster_manager.h"
#include "test/upstream/upstream_world.h"

namespace weir::proxy {

// Keeps what it was told.
class NotingLog final : public filter::AccessLog {
 public:
  explicit NotingLog(std::vector<filter::StreamInfo>& notes) : notes_(notes) {}
  void log(const filter::StreamInfo& info, const net::WorkerContext&) const override { notes_.push_back(info); }

 private:
  std::vector<filter::StreamInfo>& notes_;
};

class SessionWorld final : private net::ListenerOwner {
 public:
  SessionWorld();
  ~SessionWorld();

  // Starts to serve; the clusters are made with world.makeCluster().
  void start(std::unique_ptr<const SessionFactory> factory,
             std::vector<std::shared_ptr<const upstream::Cluster>> clusters = {},
             std::vector<std::unique_ptr<const filter::NetworkFilterFactory>> filters = {});
  upstream::OriginPeer& connect();
  void settle() { world.settle(); }
  uint64_t counter(std::string_view text) const { return world.registry.counterValue(text).value(); }
  upstream::ClusterManager& clusters() { return *clusters_; }
  ConnectionRegistry& connections() { return *connections_; }
  net::Address address() const { return listener_->localAddress(); }

  upstream::UpstreamWorld world;
  net::Connection::Limits limits{16 * 1024, 16 * 1024};
  std::vector<std::unique_ptr<upstream::OriginPeer>> clients;
  std::optional<net::Address> restored;  // what a listener filter finds out: where clients were going

 private:
  void onAccept(std::unique_ptr<net::Socket> socket, const net::Address& peer) override;
  void onExhausted(int) override {}

  FilterChain chain_;
  std::unique_ptr<upstream::ClusterManager> clusters_;
  std::unique_ptr<SideCalls> side_calls_;
  ExchangePool exchanges_;
  uint64_t last_connection_id_ = 0;
  bool draining_ = false;
  std::unique_ptr<Services> services_;
  ListenerStats stats_;
  upstream::SharedLimit limit_{1000};
  std::unique_ptr<ConnectionRegistry> connections_;
  std::unique_ptr<net::Listener> listener_;
};

}  // namespace weir::proxy
