#include "source/upstream/lease.h"

#include <utility>

#include "source/upstream/cluster_shard.h"

namespace weir::upstream {

ConnectionLease::ConnectionLease(ClusterShard& shard, uint32_t host, Priority priority)
    : shard_(&shard), host_(host), priority_(priority) {}

ConnectionLease::ConnectionLease(ConnectionLease&& other) noexcept
    : shard_(other.shard_), host_(other.host_), priority_(other.priority_) {
  other.shard_ = nullptr;
}

ConnectionLease& ConnectionLease::operator=(ConnectionLease&& other) noexcept {
  if (this == &other) return *this;
  release();
  shard_ = other.shard_;
  host_ = other.host_;
  priority_ = other.priority_;
  other.shard_ = nullptr;
  return *this;
}

void ConnectionLease::release() {
  if (shard_ == nullptr) return;
  ClusterShard& shard = *shard_;
  shard_ = nullptr;
  shard.end(host_);
  shard.connectionGone(host_, priority_);
}

RetryLease& RetryLease::operator=(RetryLease&& other) noexcept {
  if (this == &other) return *this;
  release();
  shard_ = std::exchange(other.shard_, nullptr);
  priority_ = other.priority_;
  return *this;
}

void RetryLease::give() { std::exchange(shard_, nullptr)->giveRetry(priority_); }

}  // namespace weir::upstream
