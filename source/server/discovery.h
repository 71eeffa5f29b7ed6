// Discovery: keeps the hosts of the clusters that find theirs at run time up to date: DNS and files. Made by the Server
// on the main thread before it listens, runs on the main dispatcher, and ends with it; every list goes to the cluster's
// ClusterHosts, which publishes it to the workers.
//
//   made -> turns of the dispatcher until warm(), or as long as the Server has patience -> workers begin -> ...
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "source/base/random.h"
#include "source/event/dispatcher.h"
#include "source/event/file_watch.h"
#include "source/server/compile/endpoints_file.h"
#include "source/server/compile/server_config.h"
#include "source/stats/stats.h"
#include "source/upstream/discovery/demanded_hosts.h"
#include "source/upstream/discovery/dns_cluster.h"
#include "source/upstream/dns/ares_options.h"
#include "source/upstream/dns/resolver.h"
#include "source/upstream/host_directory.h"

namespace weir::server {

class Discovery final {
 public:
  // What it stands on; all outlive it.
  struct Seams {
    event::Dispatcher& dispatcher;
    base::Random& random;
    stats::Registry& stats;
    stats::Shard& shard;  // of the main thread
    upstream::HostDirectory& hosts;
    // The resolver with these options.
    std::function<absl::StatusOr<upstream::dns::Resolver*>(const upstream::dns::AresOptions&)> resolver;
    event::FileWatcher* files;  // null: files are read at load only
  };

  // Begins to resolve. Fails when a resolver cannot be had; the message names the cluster.
  static absl::StatusOr<std::unique_ptr<Discovery>> make(const ServerConfig& config, const Seams& seams);
  ~Discovery();

  // Whether every cluster that the start waits for has had a first outcome, good or bad.
  bool warm() const;
  // The names of those that have not.
  std::vector<std::string_view> waitingFor() const;
  // What is known of each name of a cluster; none for a cluster that has none.
  std::vector<upstream::discovery::DnsCluster::NameState> namesOf(std::string_view cluster) const;

 private:
  class Resolved;

  Discovery() = default;
  absl::Status resolve(const upstream::ClusterConfig& cluster, const ServerConfig& config, const Seams& seams);
  absl::Status supply(const upstream::ClusterConfig& cluster, const ServerConfig& config, const Seams& seams);
  void watch(const upstream::ClusterConfig& cluster, const Seams& seams);

  std::vector<std::unique_ptr<Resolved>> resolved_;
  absl::flat_hash_map<std::string_view, const Resolved*> by_name_;
  std::vector<std::unique_ptr<EndpointsFile>> files_;
  std::vector<std::unique_ptr<upstream::discovery::DemandedHosts>> demanded_;
};

}  // namespace weir::server
