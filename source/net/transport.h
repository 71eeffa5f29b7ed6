// TransportFactory: turns a fresh socket into one that protects its bytes (TLS). Compiled from configuration on the
// main thread, then immutable and shared by workers. A listener's filter chain or a cluster has one, or none for plain
// bytes. The socket that comes out is watched, read and written like any other; see Socket.
#pragma once

#include <memory>
#include <string_view>

#include "source/net/socket.h"
#include "source/net/worker_context.h"

namespace weir::net {

class TransportFactory {
 public:
  virtual ~TransportFactory() = default;
  // `socket` is connected or connecting, and not watched yet. `worker` is the one it belongs to, and outlives it.
  // `host_name` is what the configuration calls the host that is connected to; empty for accepted sockets.
  virtual std::unique_ptr<Socket> wrap(std::unique_ptr<Socket> socket, const WorkerContext& worker,
                                       std::string_view host_name) const = 0;
};

}  // namespace weir::net
