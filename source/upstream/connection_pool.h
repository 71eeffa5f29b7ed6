// ConnectionPool: the connections of one worker to one host, for one priority and one version of HTTP. Made by
// WorkerCluster, which owns it. Whoever wants a stream waits in order of arrival, for a connection that can take it or
// for a new one. A connection that carries streams already and has room for more goes first, so that few are filled
// and surplus ones become idle; then the idle one used last, so that the others time out. New ones are opened for as
// many as wait, as far as the circuit breakers allow: one for each with HTTP/1, one for as many as a connection is
// expected to carry with HTTP/2. Streams are handed out from the pool's wake only, never from inside open().
//
// Before a connection is opened, one is taken over that another worker left idle, if there is one. Who waits for longer
// than the cluster allows is told so. With a preconnect ratio above 1, connections are opened ahead of those who will
// ask.
//
// A connection that cannot be opened fails the first who waits, if the ones still being opened are too few, or all of
// them if there is no other connection to the host. When no permit is left for a connection and the host has none, an
// idle one to another host is closed in its favour; failing that, those who wait are told of the overflow.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "source/base/ticket.h"
#include "source/event/dispatcher.h"
#include "source/event/timer.h"
#include "source/event/wakeable.h"
#include "source/net/transport.h"
#include "source/upstream/cluster_shard.h"
#include "source/upstream/receivers.h"
#include "source/upstream/upstream_connection.h"
#include "source/upstream/waiter.h"

namespace weir::upstream {

class ConnectionPool final : public event::Deletable, private event::TimerHandler, private event::Wakeable {
 public:
  // How many connections are opened ahead at once, at most.
  static constexpr int kAheadAtOnce = 3;

  // `shard` and `waiters` must outlive it. `host` is its slot. A permit of the limit of pools was taken for it, and is
  // given back when it retires or ends. Its connections are opened for `purpose`; no name: that of the host.
  ConnectionPool(ClusterShard& shard, WaiterPool& waiters, uint32_t host, Priority priority, http::Version version,
                 const net::Purpose& purpose = {});
  // Streams of its connections must have been released.
  ~ConnectionPool() override;

  base::Ticket open(const PickContext& context, StreamReceiver& receiver);
  // One more request is expected: whether a connection was opened for it, by that ratio.
  bool openAhead(double ratio);
  // Streams that its open connections, and those that are being opened, can take.
  size_t capacity() const;

  void closeIdle();
  // Nobody uses it, and nobody waits: it may retire.
  bool unused() const {
    return arrivals_.empty() && pending_.empty() && connections_.connecting.empty() && connections_.carrying() == 0;
  }
  // It will be destroyed at the end of the turn, and no longer counts.
  void retire();
  Priority priority() const { return connections_.priority; }
  // Those that are ending included.
  size_t connections() const { return connections_.size(); }
  // Nobody waits, and no connection is left.
  bool empty() const { return connections_.size() == 0 && arrivals_.empty() && pending_.empty(); }

 private:
  void onWake() override;
  void onTimer(event::Timer& timer) override;
  UpstreamConnection* available();
  size_t expectedStreams() const;
  void failForConnects();
  void admit(Waiter& waiter);
  void serve(Waiter& waiter, UpstreamConnection& connection);
  void fail(Waiter& waiter, http::Reason reason, std::shared_ptr<const net::TransportInfo> transport = nullptr);
  void failPending(http::Reason reason);
  void openConnections();
  void leave();
  bool wantsAhead(double ratio, size_t expected) const;
  bool adoptOne();
  void connectOne();
  // No connection permit is left: whether those who wait may still hope for one.
  bool mayWaitForPermit();

  ClusterShard& shard_;
  HostRef retired_;  // once it is; until its connections are gone
  WaiterPool& waiters_;
  const std::string server_name_;
  const std::optional<net::ClientAddresses> client_;
  HostConnections connections_;
  event::Timer patience_;  // of the first who waits
  WaiterList arrivals_;    // not looked at yet
  WaiterList pending_;     // wait for a connection, and hold a permit for that
};

}  // namespace weir::upstream
