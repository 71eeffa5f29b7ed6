// WorkerCluster: one worker's way into a cluster: the hosts that it may pick, what it keeps of each, and its connection
// pools. Made by the worker's ClusterManager, which owns it; one thread. Outlives every exchange and session that uses
// it: streams, leases and HostRefs must be gone before it is.
//
// setHosts() brings other hosts. What is kept of a host that stays is not touched. A host that has left is drained:
// nothing new is begun, idle connections close, requests end as they would; then its state goes. Where many have left,
// idle connections close over some turns, so that requests to others do not wait for that.
//
// With a predictive preconnect ratio above 1 the balancer is asked ahead of requests, and connections are opened to
// what it says; requests then go there, in that order.
//
// openStream() and connect() return a Ticket and deliver exactly one call to the receiver later, never from inside
// (laws 4 and 5); destroying the Ticket cancels, and then nothing is called.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/base/ticket.h"
#include "source/event/wakeable.h"
#include "source/http/h2/session_memory.h"
#include "source/net/worker_context.h"
#include "source/upstream/cluster.h"
#include "source/upstream/cluster_shard.h"
#include "source/upstream/connection_pool.h"
#include "source/upstream/plain_connections.h"
#include "source/upstream/receivers.h"
#include "source/upstream/waiter.h"

namespace weir::upstream {

class WorkerDemand;

class WorkerCluster final : private event::Wakeable {
 public:
  // `worker` and `memory`, the worker's for HTTP/2 sessions, must outlive it. It begins with `hosts`.
  WorkerCluster(std::shared_ptr<const Cluster> cluster, const net::WorkerContext& worker,
                http::h2::SessionMemory& memory, std::shared_ptr<const HostSet> hosts);
  // With those that the cluster begins with. Main thread.
  WorkerCluster(const std::shared_ptr<const Cluster>& cluster, const net::WorkerContext& worker,
                http::h2::SessionMemory& memory)
      : WorkerCluster(cluster, worker, memory, cluster->initialHosts()) {}
  ~WorkerCluster();

  const Cluster& cluster() const { return *shard_.cluster; }
  const ClusterConfig& config() const { return shard_.config(); }
  // Ids to count with into the worker's own shard of counters.
  const ClusterStats& stats() const { return shard_.stats(); }

  // A stream to a host of the cluster's choice, over a pooled or a new connection.
  base::Ticket openStream(const PickContext& context, StreamReceiver& receiver);
  // A permit to send a request again, from the decision on, the wait before it included, to the end of the attempt;
  // empty when the limit of retries is used up. What is opened with it is no `resend` in its PickContext.
  RetryLease takeRetry(Priority priority);
  // A connection of its own to a host of the cluster's choice.
  base::Ticket connect(const PickContext& context, ConnectReceiver& receiver);
  // The same, to the host in that slot, which hosts() has now.
  base::Ticket openStreamTo(uint32_t slot, const PickContext& context, StreamReceiver& receiver);
  base::Ticket connectTo(uint32_t slot, const PickContext& context, ConnectReceiver& receiver);
  // Takes over a connection whose output must still reach the host: closes it when all is written, or drops it after
  // `patience` without progress.
  void finish(ConnectReceiver::Connected connected, absl::Duration patience);

  // How an attempt at `host` ended, for the counts of that host and whoever watches it. Once per attempt, by the
  // router, those for which no connection could be opened included.
  void recordOutcome(const HostRef& host, const RequestOutcome& outcome);

  // In place of the hosts that it has. Not from inside a call of a receiver.
  void setHosts(std::shared_ptr<const HostSet> hosts);
  const HostSet& hosts() const { return *shard_.hosts; }
  // A hold on what is kept of the host in that slot; null when there is none.
  HostRef hold(uint32_t slot);

  // Shutdown: closes idle connections now and every other one after its request. New streams may still be opened, on
  // connections that are not kept.
  void drain();
  // Connections that are open or being opened, of pools and of connect().
  size_t connections() const;

 private:
  struct PooledHost;
  class Departures;
  struct Ahead {
    Priority priority;
    http::Version version;
  };

  void onWake() override;
  std::optional<uint32_t> pick(const PickContext& context);
  std::optional<uint32_t> preferred(const PickContext& context) const;
  PooledHost& hostState(uint32_t slot);
  // Of the balancer, or what it said before for the next who asks.
  std::optional<uint32_t> next(const PickContext& context);
  // Null when there may be no more pools.
  ConnectionPool* pool(uint32_t slot, const PickContext& context);
  ConnectionPool* namedPool(PooledHost& host, size_t kind, const PickContext& context, http::Version version);
  bool takePool(Priority priority);
  bool retireAPool(Priority priority);
  base::Ticket refuse(std::optional<uint32_t> host, const PickContext& context, StreamReceiver& receiver,
                      http::Reason reason);
  void openAhead();
  void makeCursors();
  void countZones();
  void count(const lb::PickNotes& notes);
  void retireSome();
  void buryUnused();

  ClusterShard shard_;
  std::vector<uint64_t> cursors_;                    // of the balancer
  std::unique_ptr<lb::LatencyEstimates> latencies_;  // where the policy wants them
  std::vector<uint32_t> known_;                      // slots that have a state
  size_t unseen_ = 0;                                // so many of them, the first, may have left unnoticed
  std::unique_ptr<Departures> departures_;           // once there were many
  WaiterPool waiters_;
  WaiterList unplaced_;             // those for which there was no host, or no pool
  std::vector<uint32_t> foreseen_;  // picked for the next who ask
  std::optional<Ahead> ahead_for_;  // somebody has asked since connections were last opened ahead
  std::string key_;                 // of a pool that is looked for
  PlainConnections plain_;
  std::unique_ptr<WorkerDemand> demand_;  // of a cluster that has the hosts that are asked for
};

}  // namespace weir::upstream
