// ActiveListener: one configured listener on one worker: accepts on its sockets, has its first bytes looked at
// where filter chains need that, picks the chain that takes the connection, and owns the connections that came of it.
// Made by the worker, which owns it; one worker.
//
//   made -> addSocket() for every bound address -> start() once all listeners are bound -> stop() -> destroyed
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "source/net/listener.h"
#include "source/proxy/listener/downstream_connection.h"
#include "source/proxy/listener/filter_chain.h"
#include "source/proxy/listener/listener_directory.h"
#include "source/proxy/listener/listener_log.h"
#include "source/proxy/listener/listener_stats.h"
#include "source/proxy/listener/pending_connection.h"

namespace weir::proxy {

// Made at load, immutable, shared by workers.
struct ListenerConfig {
  std::string name;
  ListenerFilters filters;
  std::unique_ptr<const FilterChainMatcher> chains;
  net::Connection::Limits limits;
  int backlog = 1024;
  uint32_t accepts_per_turn = net::Listener::kAcceptsPerTurn;  // of each worker
  ListenerStats stats;
  ListenerLog log;
  bool hands_over = false;  // what was going to another listener's address goes to that listener
  bool unlimited = false;   // the limit of connections is not for it
};

class ActiveListener final : private net::ListenerOwner, private PendingOwner {
 public:
  // All outlive it. `limit` is that of the whole process: at it, a connection is accepted and closed at once. Among
  // `others`, which is filled before start(), is whom it hands connections to.
  ActiveListener(const ListenerConfig& config, const Services& services, upstream::SharedLimit& limit,
                 const ListenerDirectory& others);
  ~ActiveListener();

  // Takes over a bound socket.
  void addSocket(std::unique_ptr<net::ListenSocket> socket);
  // Accepts from now on. The error names the address.
  absl::Status start();
  // Accepts no more and closes its sockets; connections live on.
  void stop();
  // Connections finish what they have and close; what is accepted meanwhile is served once and closed.
  void drain();
  // Drops every connection later in this turn.
  void closeAll();

  const ListenerConfig& config() const { return config_; }
  // With the ports that the kernel chose, in order of addSocket().
  std::vector<net::Address> addresses() const;
  size_t connections() const { return connections_.size() + pending_.size(); }
  // Those of them that are parked; see ParkedConnection.
  size_t parked() const { return connections_.parked(); }

 private:
  // Has its listener filters look at it, if it has some.
  void take(std::unique_ptr<net::Socket> socket, Inspected known);
  void onAccept(std::unique_ptr<net::Socket> socket, const net::Address& peer) override;
  void onExhausted(int error) override;
  void onInspected(std::unique_ptr<net::Socket> socket, Inspected found) override;
  void onPendingOver(PendingConnection& connection) override;

  const ListenerConfig& config_;
  const Services& services_;
  upstream::SharedLimit& limit_;
  const ListenerDirectory& others_;
  ConnectionRegistry connections_;
  std::list<std::unique_ptr<PendingConnection>> pending_;
  std::vector<std::unique_ptr<net::Listener>> listeners_;
};

}  // namespace weir::proxy
