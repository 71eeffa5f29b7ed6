// SimNetwork: the net::Network of one simulated worker (or client, or upstream). Sockets are byte pipes in memory with
// the manners of the kernel's: bounded room, edges instead of levels, half-close, reset. See SimWire for how they
// behave. A test makes one per dispatcher; it must outlive its sockets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "source/net/socket.h"
#include "test/harness/sim/sim_poller.h"
#include "test/harness/sim/sim_wire.h"

namespace weir::harness {

class SimNetwork final : public net::Network {
 public:
  // All must outlive it. Its sockets come from `ip`.
  SimNetwork(SimWire& wire, SimPoller& poller, std::string_view ip = "127.0.0.1");
  SimNetwork(SimWire& wire, const event::Dispatcher& dispatcher, std::string_view ip = "127.0.0.1");

  absl::StatusOr<std::unique_ptr<net::ListenSocket>> bind(const net::Address& address,
                                                          const net::BindOptions& options) override;
  absl::StatusOr<std::unique_ptr<net::Socket>> connect(const net::Address& address,
                                                       const std::optional<net::KeepAlive>& keep_alive) override;
  std::unique_ptr<net::Socket> adopt(std::unique_ptr<net::Socket> socket) override;

  // From now on at most `count` connected sockets are open at once: above, connect fails and accept sheds (EMFILE).
  void setDescriptorLimit(size_t count) { descriptor_limit_ = count; }
  size_t openSockets() const { return open_sockets_; }

 private:
  friend class SimSocket;
  friend class SimListenSocket;

  bool exhausted() const { return open_sockets_ >= descriptor_limit_; }

  SimWire& wire_;
  SimPoller& poller_;
  net::Address ip_;
  size_t descriptor_limit_ = SIZE_MAX;
  size_t open_sockets_ = 0;
  uint16_t next_port_ = 40'000;
};

}  // namespace weir::harness
