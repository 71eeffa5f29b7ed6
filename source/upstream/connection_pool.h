// ConnectionPool: the connections of one worker to one host, for one priority and one version of HTTP. Made by
// WorkerCluster, which owns it. Whoever wants a stream waits in order of arrival, for a connection that can take it or
// for a new one. A connection that carries streams already and has room for more goes first, so that few are filled
// and surplus ones become idle; then the idle one used last, so that the others time out. New ones are opened for as
// many as wait, as far as the circuit breakers allow: one for each with HTTP/1, one for as many as a connection is
// expected to carry with HTTP/2. Streams are handed out from the pool's wake only, never from inside open().
//
// A connection that cannot be opened fails the first who waits, if the ones still being opened are too few, or all of
// them if there is no other connection to the host. When no permit is left for a connection and the host has none, an
// idle one to another host is closed in its favour; failing that, those who wait are told of the overflow.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "source/base/ticket.h"
#include "source/event/wakeable.h"
#include "source/upstream/cluster_shard.h"
#include "source/upstream/receivers.h"
#include "source/upstream/upstream_connection.h"
#include "source/upstream/waiter.h"

namespace weir::upstream {

class ConnectionPool final : private event::Wakeable {
 public:
  // `shard` and `waiters` must outlive it. `host` is its slot. `server_name` is what its connections ask for over TLS;
  // empty: what the configuration and the host say.
  ConnectionPool(ClusterShard& shard, WaiterPool& waiters, uint32_t host, Priority priority, http::Version version,
                 std::string_view server_name = {});
  // Streams of its connections must have been released.
  ~ConnectionPool();

  base::Ticket open(const PickContext& context, StreamReceiver& receiver);

  void closeIdle();
  // Those that are ending included.
  size_t connections() const { return connections_.size(); }
  // Nobody waits, and no connection is left.
  bool empty() const { return connections_.size() == 0 && arrivals_.empty() && pending_.empty(); }

 private:
  void onWake() override;
  UpstreamConnection* available();
  size_t expectedStreams() const;
  void failForConnects();
  void admit(Waiter& waiter);
  void serve(Waiter& waiter, UpstreamConnection& connection);
  void fail(Waiter& waiter, http::Reason reason);
  void failPending(http::Reason reason);
  void openConnections();
  void connectOne();
  // No connection permit is left: whether those who wait may still hope for one.
  bool mayWaitForPermit();

  ClusterShard& shard_;
  WaiterPool& waiters_;
  const std::string server_name_;
  HostConnections connections_;
  WaiterList arrivals_;  // not looked at yet
  WaiterList pending_;   // wait for a connection, and hold a permit for that
};

}  // namespace weir::upstream
