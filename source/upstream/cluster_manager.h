// ClusterManager: all clusters on one worker, by name. Made by the worker from the shared snapshots, on the main thread
// before the worker runs; owned by it; one thread. Destroyed after every exchange and session of the worker.
//
// What the worker keeps of a cluster is made when it is first asked for, so that clusters without traffic cost little;
// the first worker, which counts for all what holds for all, has every cluster from the beginning.
//
// Whoever asks for a cluster that stands for others is given one of these, each time by their health of the moment: the
// levels of priority of all of them, one after the other, share the traffic as if they were of one cluster. All that
// follows, limits and counters included, is that cluster's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
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

  // Null when there is none of that name. Of one that stands for others: the one that is to be used now.
  WorkerCluster* find(std::string_view name);
  // By its number in the configuration.
  WorkerCluster& at(size_t number) { return made(clusters_[number]); }
  // See WorkerCluster::setHosts().
  void setHosts(size_t number, std::shared_ptr<const HostSet> hosts);

  // Shutdown: see WorkerCluster::drain().
  void drain();
  // Open connections of all clusters.
  size_t connections() const;

 private:
  struct Entry {
    std::shared_ptr<const Cluster> cluster;
    std::shared_ptr<const HostSet> hosts;  // to begin with; null once it is made
    std::unique_ptr<WorkerCluster> worker;
    std::unique_ptr<const std::vector<uint32_t>> members;  // numbers; null: it stands for itself
  };

  WorkerCluster& made(Entry& entry);
  // The entry of that name; null when there is none.
  Entry* entryOf(std::string_view name);
  static const lb::PriorityLoads& loadsOf(const Entry& entry);
  // Of the members of an aggregate.
  uint32_t choose(const std::vector<uint32_t>& members);

  const net::WorkerContext& worker_;
  http::h2::SessionMemory h2_memory_;
  std::vector<Entry> clusters_;
  absl::flat_hash_map<std::string_view, uint32_t> by_name_;  // numbers
  // By length and last byte of a name, the entry that was found last: most requests ask for one of a few clusters, and
  // a comparison costs less than the hash of a name.
  std::array<Entry*, 16> recent_{};
  bool draining_ = false;
};

}  // namespace weir::upstream
