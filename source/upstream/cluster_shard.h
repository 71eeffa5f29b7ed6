// ClusterShard: what the parts of one cluster on one worker share: the hosts that it knows, what is under way at each,
// its access to the shared circuit breakers, and the counters. Made and owned by WorkerCluster; one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "source/event/wakeable.h"
#include "source/http/h2/session_memory.h"
#include "source/net/transport.h"
#include "source/net/worker_context.h"
#include "source/upstream/cluster.h"
#include "source/upstream/host_ref.h"
#include "source/upstream/shelf_keeper.h"

namespace weir::upstream {

class ConnectionPool;

class ClusterShard {
 public:
  // `memory` is where HTTP/2 sessions take theirs. It and `context` outlive it. Begins with `first`.
  ClusterShard(std::shared_ptr<const Cluster> snapshot, const net::WorkerContext& context,
               http::h2::SessionMemory& memory, std::shared_ptr<const HostSet> first);

  const ClusterConfig& config() const { return cluster->config(); }
  const ClusterStats& stats() const { return cluster->stats(); }
  // `slot` must be that of a host with a state here.
  const Host& host(uint32_t slot) const { return *states[slot]->host; }
  HostState& state(uint32_t slot) const { return *states[slot]; }
  HostCounters& counters(uint32_t slot) const { return states[slot]->counters; }
  // Connections to it are not kept any more.
  bool retiring(uint32_t slot) const { return draining || states[slot]->removed; }
  // A request or a connection was given to the host; it has ended.
  void begin(uint32_t slot) { loads.begin(slot); }
  void end(uint32_t slot) {
    loads.end(slot);
    released(slot);
  }
  // Something that belonged to the host is gone.
  void released(uint32_t slot) {
    if (states[slot]->removed) states[slot]->released();
  }

  // The limits of a priority, with their gauges. take*: whether a permit was given.
  // Of the host's own limit too, where there is one. Where connections that are left idle use it up, one of those is
  // closed in favour of this one.
  bool takeConnection(uint32_t slot, Priority priority);
  bool takePending(Priority priority);
  void givePending(Priority priority);
  bool takeRequest(Priority priority);
  void giveRequest(Priority priority);
  // By the budget where there is one.
  bool takeRetry(Priority priority);
  void giveRetry(Priority priority);
  bool takePool(Priority priority);
  void givePool(Priority priority);

  // Begins to connect to a host, over its transport. For the name that the host has, unless `purpose` says another.
  absl::StatusOr<std::unique_ptr<net::Socket>> openSocket(uint32_t slot, net::Purpose purpose);

  // Counts a connection that is being opened to a host, for which a permit was taken.
  void connectionOpened(uint32_t slot);
  // It is gone: gives the permit back too, and lets the pools that lack one try again.
  void connectionGone(uint32_t slot, Priority priority);
  // An open connection has come from the shelf (1) or goes there (-1), and its permit with it.
  void connectionMoved(uint32_t slot, int by);
  // One that was on the shelf is gone.
  void shelvedConnectionGone(const Host& host, Priority priority, base::MonotonicTime opened);
  // Counts an attempt to connect that failed.
  void connectFailed(uint32_t slot, bool timeout);

  // Says in the gauges what is true of `hosts`.
  void countMembers();

  const std::shared_ptr<const Cluster> cluster;
  const net::WorkerContext& worker;
  http::h2::SessionMemory& h2_memory;
  std::shared_ptr<const HostSet> hosts;            // that may be picked from; never null
  std::vector<std::unique_ptr<HostState>> states;  // by slot; null for hosts that were never picked
  // Requests and connections that were given to a host and have not ended, those that wait for a connection included:
  // what least request compares. Of this worker alone, by slot.
  lb::HostLoads loads;
  // Removed hosts that something let go of; `sweeper` is woken to look at them.
  std::vector<HostState*> touched;
  event::Wakeable* sweeper = nullptr;
  // Every pool of this cluster on this worker. Each enters and removes itself.
  std::vector<ConnectionPool*> pools;
  // Pools that found no connection permit: woken, and taken out, when a connection of this worker is gone.
  std::vector<event::Wakeable*> permit_waiters;
  bool draining = false;
  uint64_t streams = 0;  // that are open now
  ShelfKeeper shelf{*this};

 private:
  void giveConnection(const Host& host, Priority priority);
  void wakePermitWaiters();
  bool take(SharedLimit::Take result, Priority priority, stats::GaugeId open, stats::GaugeId remaining);
  SharedLimit::Take tryRetry(Priority priority);
  void give(SharedLimit& limit, Priority priority, stats::GaugeId open, stats::GaugeId remaining);
};

}  // namespace weir::upstream
