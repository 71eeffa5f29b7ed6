#include "source/upstream/cluster_manager.h"

#include <algorithm>
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
    Entry& entry = clusters_.emplace_back(Entry{cluster, cluster->initialHosts(), nullptr, nullptr});
    const bool added = by_name_.emplace(cluster->config().name, number).second;
    CHECK(added, "the loader refuses two clusters of one name");
    if (worker.index == 0) {
      made(entry);
    } else {
      cluster->shelf().join();  // it takes from there once it is asked for this cluster
    }
  }
  for (Entry& entry : clusters_) {
    const auto& names = entry.cluster->config().members;
    if (names == nullptr) continue;
    std::vector<uint32_t> members;
    for (const std::string& name : *names) {
      const auto member = by_name_.find(name);
      CHECK(member != by_name_.end(), "the loader refuses members that do not exist");
      members.push_back(member->second);
    }
    entry.members = std::make_unique<const std::vector<uint32_t>>(std::move(members));
  }
}

const lb::PriorityLoads& ClusterManager::loadsOf(const Entry& entry) {
  return entry.worker == nullptr ? entry.hosts->balancer.loads() : entry.worker->hosts().balancer.loads();
}

// Each level takes what its health is worth of what those before it have left.
uint32_t ClusterManager::choose(const std::vector<uint32_t>& members) {
  uint64_t available = 0;
  for (const uint32_t member : members) {
    for (const uint32_t capacity : loadsOf(clusters_[member]).capacity) available += capacity;
  }
  if (available == 0) {  // whether there is an answer at all is for the first one that has hosts
    const auto some = std::find_if(members.begin(), members.end(),
                                   [this](uint32_t member) { return !loadsOf(clusters_[member]).levels.empty(); });
    return some == members.end() ? members.front() : *some;
  }
  uint64_t left = worker_.random.below(std::min<uint64_t>(available, 100));
  for (const uint32_t member : members) {
    for (const uint32_t capacity : loadsOf(clusters_[member]).capacity) {
      if (left < capacity) return member;
      left -= capacity;
    }
  }
  return members.back();
}

WorkerCluster& ClusterManager::made(Entry& entry) {
  if (entry.worker != nullptr) return *entry.worker;
  entry.worker = std::make_unique<WorkerCluster>(entry.cluster, worker_, h2_memory_, std::move(entry.hosts));
  if (draining_) entry.worker->drain();
  return *entry.worker;
}

ClusterManager::Entry* ClusterManager::entryOf(std::string_view name) {
  if (name.empty()) return nullptr;
  const auto last = static_cast<unsigned char>(name.back());
  Entry*& recent = recent_[(name.size() + last) % recent_.size()];
  if (recent != nullptr && recent->cluster->config().name == name) return recent;
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return nullptr;
  recent = &clusters_[found->second];
  return recent;
}

WorkerCluster* ClusterManager::find(std::string_view name) {
  Entry* const entry = entryOf(name);
  if (entry == nullptr) return nullptr;
  return &made(entry->members == nullptr ? *entry : clusters_[choose(*entry->members)]);
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
