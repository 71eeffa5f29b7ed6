// ConnectionPool: the HTTP/1.1 connections of one worker to one host, for one priority. Made by WorkerCluster, which
// owns it. Whoever wants a stream waits in order of arrival, for an idle connection (the one used last goes first, so
// that surplus ones time out) or for a new one, one being opened for each who waits, as far as the circuit breakers
// allow. Streams are handed out from the pool's wake only, never from inside open().
//
// When a connection cannot be opened, the first who waits is told so, or all of them if nothing else to the host is
// open or being opened.
#pragma once

#include <cstdint>
#include <memory>

#include "source/base/ticket.h"
#include "source/event/wakeable.h"
#include "source/upstream/cluster_shard.h"
#include "source/upstream/receivers.h"
#include "source/upstream/upstream_connection.h"
#include "source/upstream/waiter.h"

namespace weir::upstream {

class ConnectionPool final : private event::Wakeable {
 public:
  // Both must outlive it. `host` is the index in the cluster.
  ConnectionPool(ClusterShard& shard, WaiterPool& waiters, uint32_t host, Priority priority);
  ~ConnectionPool();

  base::Ticket open(StreamReceiver& receiver);

  // A connection permit may be free again: whoever waits for one tries again.
  void permitFreed();
  // Closes the idle connection that was used least recently; false when there is none.
  bool closeOldestIdle();
  void closeIdle();
  size_t connections() const { return connecting_.size() + idle_.size() + busy_.size() + ending_.size(); }

  ClusterShard& shard() { return shard_; }
  uint32_t host() const { return host_; }
  Priority priority() const { return priority_; }

 private:
  friend class UpstreamConnection;
  friend class Waiter;

  // From a connection, which has changed its state just before.
  void onConnected(UpstreamConnection& connection);
  void onConnectFailed(UpstreamConnection& connection, http::Reason reason);
  void onIdle(UpstreamConnection& connection);
  // It can take no more streams; it will be gone.
  void onUnusable(UpstreamConnection& connection);
  // Nothing of it is left: destroys it at the end of the turn.
  void onGone(UpstreamConnection& connection);
  // From a waiter whose ticket was destroyed; gives it back.
  void onCancelled(Waiter& waiter);

  void onWake() override;
  void serve(Waiter& waiter, UpstreamConnection& connection);
  void fail(Waiter& waiter, http::Reason reason);
  bool makePending(Waiter& waiter);
  void openConnections();
  void failPending(http::Reason reason);

  ClusterShard& shard_;
  WaiterPool& waiters_;
  const uint32_t host_;
  const Priority priority_;
  WaiterList arrivals_;  // not looked at yet
  WaiterList pending_;   // wait for a connection and hold a permit for that
  // Owned; each connection is in exactly one of these.
  ConnectionList connecting_;
  ConnectionList idle_;  // the one used last comes first
  ConnectionList busy_;
  ConnectionList ending_;  // closed or closing
};

}  // namespace weir::upstream
