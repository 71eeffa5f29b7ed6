// ConnectionLease: one permit of a cluster's connection limit, held by whoever owns a connection that does not belong
// to a pool (the TCP proxy's). Given out by WorkerCluster::connect(); its end gives the permit back and counts the
// connection as gone. Movable; one worker; must not outlive the WorkerCluster.
#pragma once

#include <cstdint>

#include "source/upstream/cluster.h"

namespace weir::upstream {

class ClusterShard;

class ConnectionLease {
 public:
  ConnectionLease() = default;
  // Takes over a permit that was taken from the shard before.
  ConnectionLease(ClusterShard& shard, uint32_t host, Priority priority);
  ConnectionLease(ConnectionLease&& other) noexcept;
  ConnectionLease& operator=(ConnectionLease&& other) noexcept;
  ~ConnectionLease() { release(); }

  void release();
  explicit operator bool() const { return shard_ != nullptr; }

 private:
  ClusterShard* shard_ = nullptr;
  uint32_t host_ = 0;
  Priority priority_ = Priority::kDefault;
};

}  // namespace weir::upstream
