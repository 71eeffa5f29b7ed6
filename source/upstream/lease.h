// ConnectionLease, RetryLease: permits of a cluster's limits, held by whoever makes use of them; the end of a lease
// gives its permit back. Movable; one worker; must not outlive the WorkerCluster.
//
// ConnectionLease: one permit of a cluster's connection limit, held by whoever owns a connection that does not belong
// to a pool (the TCP proxy's). Given out by WorkerCluster::connect(); its end counts the connection as gone.
// RetryLease: one permit of the limit of retries, held with the stream of a request that was sent before.
#pragma once

#include <cstdint>
#include <utility>

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

class RetryLease {
 public:
  RetryLease() = default;
  // Takes over a permit that was taken from the shard before.
  RetryLease(ClusterShard& shard, Priority priority) : shard_(&shard), priority_(priority) {}
  RetryLease(RetryLease&& other) noexcept : shard_(std::exchange(other.shard_, nullptr)), priority_(other.priority_) {}
  RetryLease& operator=(RetryLease&& other) noexcept;
  ~RetryLease() { release(); }

  void release() {
    if (shard_ != nullptr) give();
  }
  explicit operator bool() const { return shard_ != nullptr; }

 private:
  void give();

  ClusterShard* shard_ = nullptr;
  Priority priority_ = Priority::kDefault;
};

}  // namespace weir::upstream
