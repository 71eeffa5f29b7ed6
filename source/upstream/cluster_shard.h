// ClusterShard: what the parts of one cluster on one worker share: its counts per host, its access to the shared
// circuit breakers, and the counters. Made and owned by WorkerCluster; one thread, but for HostCounters, which any
// thread may read.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "source/event/wakeable.h"
#include "source/http/h2/session_memory.h"
#include "source/net/worker_context.h"
#include "source/upstream/cluster.h"

namespace weir::upstream {

class ConnectionPool;

// A count that one thread changes and any thread may read.
class HostCount {
 public:
  void add(int64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + static_cast<uint64_t>(n), std::memory_order_relaxed);
  }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// What one worker did with one host; the names are those of /clusters.
struct HostCounters {
  HostCount cx_active;
  HostCount cx_connect_fail;
  HostCount cx_total;
  HostCount rq_active;
  HostCount rq_error;
  HostCount rq_success;
  HostCount rq_timeout;
  HostCount rq_total;
};

class ClusterShard {
 public:
  // `memory` is where HTTP/2 sessions take theirs. It and `context` outlive it.
  ClusterShard(std::shared_ptr<const Cluster> snapshot, const net::WorkerContext& context,
               http::h2::SessionMemory& memory);

  const ClusterConfig& config() const { return cluster->config(); }
  const ClusterStats& stats() const { return cluster->stats(); }
  const Host& host(uint32_t index) const { return config().hosts[index]; }
  // `host` must be one of this cluster's.
  uint32_t indexOf(const Host& host) const { return static_cast<uint32_t>(&host - config().hosts.data()); }

  // The limits of a priority, with their gauges. take*: whether a permit was given.
  bool takeConnection(Priority priority);
  bool takePending(Priority priority);
  void givePending(Priority priority);
  bool takeRequest(Priority priority);
  void giveRequest(Priority priority);
  bool takeRetry(Priority priority);
  void giveRetry(Priority priority);

  // Counts a connection that is being opened to a host, for which a permit was taken.
  void connectionOpened(uint32_t host);
  // It is gone: gives the permit back too, and lets the pools that lack one try again.
  void connectionGone(uint32_t host, Priority priority);
  // Counts an attempt to connect that failed.
  void connectFailed(uint32_t host, bool timeout);

  const std::shared_ptr<const Cluster> cluster;
  const net::WorkerContext& worker;
  http::h2::SessionMemory& h2_memory;
  std::vector<HostCounters> counters;  // by host
  // Requests and connections that were given to a host and have not ended, those that wait for a connection included:
  // what least request compares. Of this worker alone.
  std::vector<uint32_t> outstanding;
  // Every pool of this cluster on this worker. Each enters and removes itself.
  std::vector<ConnectionPool*> pools;
  // Pools that found no connection permit: woken, and taken out, when a connection of this worker is gone.
  std::vector<event::Wakeable*> permit_waiters;
  bool draining = false;

 private:
  void giveConnection(Priority priority);
  bool take(SharedLimit& limit, Priority priority, stats::GaugeId open, stats::GaugeId remaining);
  void give(SharedLimit& limit, Priority priority, stats::GaugeId open, stats::GaugeId remaining);
};

}  // namespace weir::upstream
