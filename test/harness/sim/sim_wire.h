// SimWire: what all simulated networks of one Simulation are plugged into. It knows who listens where and how each way
// behaves: delay, room in the kernels, and scripted faults. A test makes one after its Simulation, and destroys it
// before that, after every socket.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "source/net/address.h"
#include "test/harness/sim/simulation.h"

namespace weir::harness {

class SimListenSocket;
struct SimConnection;

// How connections behave that are opened to some address. Read when the connection is opened.
struct SimLink {
  absl::Duration latency = absl::ZeroDuration();  // one way
  size_t buffer_bytes = 64 * 1024;                // per direction: in flight and unread together; then writes block
  size_t segment_bytes = SIZE_MAX;                // longest piece that arrives at once: 1 splits at every byte
  size_t write_limit = SIZE_MAX;                  // most that one write takes, even when there is room
  size_t reset_after_request = SIZE_MAX;          // the server side resets once this many bytes have reached it
  size_t reset_after_response = SIZE_MAX;         // ... once this many bytes have reached the client
  bool black_hole = false;                        // a connect is never answered
  bool refuse = false;                            // a connect is refused although somebody listens
};

class SimWire {
 public:
  explicit SimWire(Simulation& simulation) : simulation_(simulation) {}
  SimWire(const SimWire&) = delete;
  SimWire& operator=(const SimWire&) = delete;

  Simulation& simulation() { return simulation_; }

  // For every address without a link of its own.
  SimLink& defaultLink() { return default_link_; }
  // Of connections to `address`; starts as a copy of the default.
  SimLink& link(const net::Address& address);

  // Resets every connection to `address` that is open now, seen by both sides one latency later. Returns how many.
  size_t resetAll(const net::Address& address);
  // Connections to `address` that neither side has fully closed.
  size_t openConnections(const net::Address& address);

 private:
  friend class SimListenSocket;
  friend class SimNetwork;

  SimLink linkTo(const net::Address& address) const;
  // Who takes a connection to `address`: one of those bound there with reuse_port, in turn. Null when nobody listens.
  SimListenSocket* listenerFor(const net::Address& address);
  bool addressInUse(const net::Address& address, bool reuse_port) const;
  uint16_t freePort() { return next_port_++; }
  // The handshake: a listener that has no room drops the attempt, and it is repeated a second later.
  void arrive(const std::shared_ptr<SimConnection>& connection, int attempt);

  Simulation& simulation_;
  SimLink default_link_;
  std::map<std::string, SimLink> links_;  // by Address::text()
  std::vector<SimListenSocket*> bound_;
  std::vector<std::weak_ptr<SimConnection>> connections_;
  size_t next_listener_ = 0;
  uint16_t next_port_ = 20'000;
};

}  // namespace weir::harness
