// WorkerCluster: one worker's way into a cluster: its balancer and its connection pools. Made by the worker's
// ClusterManager, which owns it; one thread, but for forEachHost(). Outlives every exchange and session that uses it:
// streams and leases must be gone before it is.
//
// openStream() and connect() return a Ticket and deliver exactly one call to the receiver later, never from inside
// (laws 4 and 5); destroying the Ticket cancels, and then nothing is called.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "source/base/ticket.h"
#include "source/event/wakeable.h"
#include "source/http/h2/session_memory.h"
#include "source/net/worker_context.h"
#include "source/upstream/cluster.h"
#include "source/upstream/cluster_shard.h"
#include "source/upstream/connection_pool.h"
#include "source/upstream/load_balancer.h"
#include "source/upstream/plain_connections.h"
#include "source/upstream/receivers.h"
#include "source/upstream/waiter.h"

namespace weir::upstream {

class WorkerCluster final : private event::Wakeable {
 public:
  // `worker` and `memory`, the worker's for HTTP/2 sessions, must outlive it.
  WorkerCluster(std::shared_ptr<const Cluster> cluster, const net::WorkerContext& worker,
                http::h2::SessionMemory& memory);
  ~WorkerCluster();

  const Cluster& cluster() const { return *shard_.cluster; }
  const ClusterConfig& config() const { return shard_.config(); }
  // Ids to count with into the worker's own shard of counters.
  const ClusterStats& stats() const { return shard_.stats(); }

  // A stream to a host of the cluster's choice, over a pooled or a new connection.
  base::Ticket openStream(const PickContext& context, StreamReceiver& receiver);
  // A connection of its own to a host of the cluster's choice.
  base::Ticket connect(const PickContext& context, ConnectReceiver& receiver);
  // Takes over a connection whose output must still reach the host: closes it when all is written, or drops it after
  // `patience` without progress.
  void finish(ConnectReceiver::Connected connected, absl::Duration patience);

  // How a request to `host` ended, for the counts of that host. Once per request, by the router.
  enum class Outcome : uint8_t { kSuccess, kError, kTimeout };
  void recordOutcome(const Host& host, Outcome outcome);

  // Shutdown: closes idle connections now and every other one after its request. New streams may still be opened, on
  // connections that are not kept.
  void drain();
  // Connections that are open or being opened, of pools and of connect().
  size_t connections() const;

  // Each host with what this worker counted for it. Safe from any thread while the cluster lives.
  void forEachHost(const std::function<void(const Host&, const HostCounters&)>& fn) const;

 private:
  void onWake() override;
  std::optional<uint32_t> pick(const PickContext& context);
  ConnectionPool& pool(uint32_t host, const PickContext& context);

  ClusterShard shard_;
  std::unique_ptr<LoadBalancer> balancer_;
  WaiterPool waiters_;
  WaiterList unplaced_;  // those for which there was no host
  // By host, and then by priority and protocol; made when first used.
  std::vector<std::array<std::unique_ptr<ConnectionPool>, 4>> pools_;
  PlainConnections plain_;
};

}  // namespace weir::upstream
