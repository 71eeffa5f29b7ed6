#include "source/upstream/cluster_manager.h"

#include "source/base/check.h"
#include "source/base/strings.h"

namespace weir::upstream {

ClusterManager::ClusterManager(std::span<const std::shared_ptr<const Cluster>> clusters,
                               const net::WorkerContext& worker) {
  for (const std::shared_ptr<const Cluster>& cluster : clusters) {
    clusters_.push_back(std::make_unique<WorkerCluster>(cluster, worker, h2_memory_));
    const bool added = by_name_.emplace(cluster->config().name, clusters_.back().get()).second;
    CHECK(added, "the loader refuses two clusters of one name");
  }
}

WorkerCluster* ClusterManager::find(std::string_view name) {
  const auto found = by_name_.find(base::av(name));
  return found == by_name_.end() ? nullptr : found->second;
}

void ClusterManager::drain() {
  for (const std::unique_ptr<WorkerCluster>& cluster : clusters_) cluster->drain();
}

size_t ClusterManager::connections() const {
  size_t sum = 0;
  for (const std::unique_ptr<WorkerCluster>& cluster : clusters_) sum += cluster->connections();
  return sum;
}

}  // namespace weir::upstream
