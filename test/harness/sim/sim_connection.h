// SimConnection: both ends of one simulated stream and what travels between them. Shared by its two sockets and by the
// actions that are scheduled for it. Private to the simulated network.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "source/net/address.h"
#include "source/net/socket.h"
#include "test/harness/sim/sim_poller.h"
#include "test/harness/sim/sim_wire.h"

namespace weir::harness {

// One side, seen from the kernel that it lives in.
struct SimEnd {
  net::Address address;
  std::string unread;
  size_t in_flight = 0;  // sent by the other side, not here yet
  size_t arrived = 0;    // ever
  size_t reset_after = SIZE_MAX;
  int error = 0;  // reported once by the next read or write
  bool established = false;
  bool closed = false;  // the socket is gone
  bool sent_fin = false;
  bool got_fin = false;
  bool broken = false;      // reset by either side
  bool wants_room = false;  // a write was cut short: an edge is due when there is room
  SimPoller::Watch* watch = nullptr;

  void mark(event::Readiness edge) {
    if (watch != nullptr) watch->mark(edge);
  }
};

struct SimConnection : std::enable_shared_from_this<SimConnection> {
  static constexpr int kClient = 0;
  static constexpr int kServer = 1;

  SimConnection(SimWire& wire_of, const SimLink& link_of, const net::Address& client, const net::Address& server);

  net::IoResult read(int side, std::span<const iovec> into);
  net::IoResult write(int side, std::span<const iovec> from);
  void shutdownWrite(int side);
  void close(int side, bool reset);
  // The state of `side` as edges: what registering reports at once.
  event::Readiness readiness(int side) const;
  void establish(int side);
  // `side` learns that the connection is dead.
  void breakEnd(int side, int error);
  // Sends a reset from `side` to the other.
  void sendReset(int side);
  bool over() const;

  SimWire& wire;
  SimLink link;
  net::Address target;
  SimEnd ends[2];

 private:
  size_t roomTowards(int side) const;
  void later(std::function<void(SimConnection&)> action);
  void deliver(int side, std::string bytes);
  void offerRoom(int side);
};

}  // namespace weir::harness
