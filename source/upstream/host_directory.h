// HostDirectory: the ClusterHosts of every cluster, by name. Made by the Server, which owns it, or by a test; main
// thread only. What discovery, health checks and admin change goes through it to the workers.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "source/upstream/cluster_hosts.h"

namespace weir::upstream {

class HostDirectory {
 public:
  // Brings a set to every worker; `cluster` is the number of the cluster in the configuration.
  using Publish = std::function<void(size_t cluster, const std::shared_ptr<const HostSet>& set)>;

  // `main` must outlive it.
  HostDirectory(std::span<const std::shared_ptr<const Cluster>> clusters, event::Dispatcher& main, Publish publish);

  // The proxy is one of the hosts of that cluster, and stands there: what zone aware routing goes by, from now on. Does
  // nothing where no cluster wants to know.
  void setLocalCluster(std::string_view name, Locality own);

  // Null when there is none of that name.
  ClusterHosts* find(std::string_view name) const;
  // In the order of the configuration.
  std::span<const std::unique_ptr<ClusterHosts>> all() const { return clusters_; }

 private:
  void tellLocal();

  const Publish publish_;
  ClusterHosts* local_ = nullptr;
  Locality own_;
  std::vector<ClusterHosts*> zone_aware_;
  std::vector<std::unique_ptr<ClusterHosts>> clusters_;
  absl::flat_hash_map<std::string_view, ClusterHosts*> by_name_;
};

}  // namespace weir::upstream
