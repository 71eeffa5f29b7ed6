// NetworkFilter: sees the bytes that one downstream connection receives, before the terminal session (the HTTP
// connection manager, the TCP proxy, ...) does. One object per connection, owned by its NetworkChain; one worker.
// onOpen comes first and onClose last, each exactly once. A filter may edit the buffer it is given. Hooks are driven
// by the chain only, never re-entered, and what they ask for takes effect after they returned (laws 2 and 4). A filter
// may append to the output of the connection from its hooks; what the terminal session sends, it does not see.
#pragma once

#include <cstdint>
#include <memory>

#include "source/buffer/buffer.h"
#include "source/filter/side_call.h"
#include "source/net/connection.h"
#include "source/net/worker_context.h"

namespace weir::filter {

enum class NetworkVerdict : uint8_t {
  kNext,   // pass the bytes on
  kWait,   // hold them and all later ones until NetworkHost::resume()
  kClose,  // drop the connection
};

class NetworkHost {
 public:
  // The late answer to kWait, once; takes effect later in the turn.
  virtual void resume(NetworkVerdict verdict) = 0;
  virtual net::Connection& connection() = 0;
  virtual const net::WorkerContext& worker() const = 0;
  // Requests of the filter's own to a cluster.
  virtual SideCaller& sideCaller() = 0;

 protected:
  ~NetworkHost() = default;
};

class NetworkFilter {
 public:
  virtual ~NetworkFilter() = default;
  virtual void setHost(NetworkHost& host) { host_ = &host; }
  // Before any bytes.
  virtual NetworkVerdict onOpen() { return NetworkVerdict::kNext; }
  // Bytes that came since the last call, or `end`: the peer will send no more.
  virtual NetworkVerdict onRead(buffer::Buffer&, bool /*end*/) { return NetworkVerdict::kNext; }
  virtual void onClose(net::CloseReason) {}

 protected:
  NetworkHost& host() const { return *host_; }

 private:
  NetworkHost* host_ = nullptr;
};

}  // namespace weir::filter
