// ClusterManager: all clusters on one worker, by name. Made by the worker from the shared snapshots, owned by it; one
// thread. Destroyed after every exchange and session of the worker.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "source/http/h2/session_memory.h"
#include "source/net/worker_context.h"
#include "source/upstream/cluster.h"
#include "source/upstream/worker_cluster.h"

namespace weir::upstream {

class ClusterManager final {
 public:
  // Names must differ. `worker` must outlive it.
  ClusterManager(std::span<const std::shared_ptr<const Cluster>> clusters, const net::WorkerContext& worker);

  // Null when there is none of that name.
  WorkerCluster* find(std::string_view name);
  // By its number in the configuration.
  WorkerCluster& at(size_t number) { return *clusters_[number]; }

  // Shutdown: see WorkerCluster::drain().
  void drain();
  // Open connections of all clusters.
  size_t connections() const;

 private:
  http::h2::SessionMemory h2_memory_;
  std::vector<std::unique_ptr<WorkerCluster>> clusters_;
  absl::flat_hash_map<std::string, WorkerCluster*> by_name_;
};

}  // namespace weir::upstream
