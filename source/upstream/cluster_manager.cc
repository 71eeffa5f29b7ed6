#include "source/upstream/cluster_manager.h"

#include <utility>

#include "source/base/check.h"

namespace weir::upstream {

ClusterManager::ClusterManager(std::span<const std::shared_ptr<const Cluster>> clusters,
                               const net::WorkerContext& worker)
    : worker_(worker) {
  clusters_.reserve(clusters.size());
  by_name_.reserve(clusters.size());
  for (const std::shared_ptr<const Cluster>& cluster : clusters) {
    const auto number = static_cast<uint32_t>(clusters_.size());
    Entry& entry = clusters_.emplace_back(Entry{cluster, cluster->initialHosts(), nullptr});
    const bool added = by_name_.emplace(cluster->config().name, number).second;
    CHECK(added, "the loader refuses two clusters of one name");
    if (worker.index == 0) {
      made(entry);
    } else {
      cluster->shelf().join();  // it takes from there once it is asked for this cluster
    }
  }
}

WorkerCluster& ClusterManager::made(Entry& entry) {
  if (entry.worker != nullptr) return *entry.worker;
  entry.worker = std::make_unique<WorkerCluster>(entry.cluster, worker_, h2_memory_, std::move(entry.hosts));
  if (draining_) entry.worker->drain();
  return *entry.worker;
}

WorkerCluster* ClusterManager::find(std::string_view name) {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &made(clusters_[found->second]);
}

void ClusterManager::setHosts(size_t number, std::shared_ptr<const HostSet> hosts) {
  Entry& entry = clusters_[number];
  if (entry.worker == nullptr) {
    entry.hosts = std::move(hosts);
  } else {
    entry.worker->setHosts(std::move(hosts));
  }
}

void ClusterManager::drain() {
  draining_ = true;
  for (const Entry& entry : clusters_) {
    if (entry.worker != nullptr) entry.worker->drain();
  }
}

size_t ClusterManager::connections() const {
  size_t sum = 0;
  for (const Entry& entry : clusters_) sum += entry.worker == nullptr ? 0 : entry.worker->connections();
  return sum;
}

}  // namespace weir::upstream
