// TransportFactory: turns a fresh socket into one that does more with its bytes: TLS, or a PROXY header in front.
// Compiled from configuration on the main thread, then immutable and shared by workers. A listener's filter chain or a
// host has one, or none for plain bytes. The socket that comes out is watched, read and written like any other; see
// Socket.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "source/net/socket.h"
#include "source/net/worker_context.h"

namespace weir::net {

// The two ends of the connection on whose behalf another is opened.
struct ClientAddresses {
  Address remote;         // the client
  Address local;          // where it went
  std::string tlvs = {};  // what else a PROXY header of version 2 said of it, as it was written there
  friend bool operator==(const ClientAddresses&, const ClientAddresses&) = default;
};

// What a connection is opened for. Lives as long as the call that it is given to.
struct Purpose {
  std::string_view host_name = {};          // what the configuration calls the host; empty for accepted sockets
  const ClientAddresses* client = nullptr;  // null: it is this proxy's own, as that of a health check
};

class TransportFactory {
 public:
  virtual ~TransportFactory() = default;
  // `socket` is connected or connecting, and not watched yet. `worker` is the one it belongs to, and outlives it.
  virtual std::unique_ptr<Socket> wrap(std::unique_ptr<Socket> socket, const WorkerContext& worker,
                                       const Purpose& purpose) const = 0;
  // Whether the peer is told who the client is: then a connection is of use to that client alone.
  virtual bool tellsClient() const { return false; }
  // Whether the bytes are protected: that the peer is who it should be, and that nobody else reads them.
  virtual bool protects() const { return true; }
};

}  // namespace weir::net
