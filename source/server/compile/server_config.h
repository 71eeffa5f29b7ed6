// ServerConfig: a whole configuration, compiled: what the workers are made from. Made by compileBootstrap() on the main
// thread, then const and shared by all workers; outlives them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/extensions/transport_sockets/transport_sources.h"
#include "source/filter/access_log.h"
#include "source/filter/matchers.h"
#include "source/net/address.h"
#include "source/net/socket.h"
#include "source/proxy/listener/active_listener.h"
#include "source/upstream/cluster.h"
#include "source/upstream/dns/ares_options.h"
#include "source/upstream/health/health_config.h"

namespace weir::server {

// One address to listen on.
struct BoundAddress {
  net::Address address;
  net::BindOptions options;
};

struct ListenerPlan {
  std::unique_ptr<const proxy::ListenerConfig> config;
  std::vector<BoundAddress> addresses;  // at least one
  // Every worker has a socket of its own and the kernel spreads connections. Without it, and for unix sockets, the
  // first worker serves the address alone.
  bool reuse_port = true;
  // Without it, it has no sockets: connections are handed over by other listeners.
  bool bound = true;

  bool everyWorker(const BoundAddress& bound) const { return reuse_port && bound.address.isIp(); }
};

struct AdminPlan {
  BoundAddress address;
  std::vector<std::unique_ptr<filter::AccessLog>> access_logs;
  std::vector<filter::StringMatcher> allowed;  // targets of requests that are answered; none: all
};

struct ServerConfig {
  std::string node_id;
  std::string node_cluster;
  upstream::Locality node_locality;
  std::string node_metadata;                                       // as JSON; empty: none
  std::string local_cluster;                                       // of which this instance is a host; empty: none
  std::optional<uint64_t> max_connections;                         // of clients; none: as many as files allow
  std::string log_pattern;                                         // of the process's own log; empty: the usual one
  std::string ejection_log;                                        // of outlier detection; empty: none
  std::vector<std::shared_ptr<const upstream::Cluster>> clusters;  // in the order of the configuration
  std::vector<upstream::health::ClusterHealth> health;             // of each cluster, likewise
  std::vector<ListenerPlan> listeners;                             // likewise
  std::optional<AdminPlan> admin;
  // How names are resolved for clusters that do not say; null: as /etc/resolv.conf says.
  std::shared_ptr<const upstream::dns::AresOptions> dns_resolver;
  extensions::TransportSources transports;
};

}  // namespace weir::server
