// NetworkFilter: sees the bytes of one downstream connection, both ways: what the client sends, before the terminal
// session (the HTTP connection manager, the TCP proxy, ...) gets it, and what the session sends, before it is written.
// One object per connection, owned by its NetworkChain; one worker. onOpen comes first and onClose last, each exactly
// once. Bytes that come pass from the first filter to the last, bytes that go from the last to the first. A filter may
// edit the buffer it is given. Hooks are driven by the chain only, never re-entered, and what they ask for takes effect
// after they returned (laws 2 and 4).
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "source/buffer/buffer.h"
#include "source/filter/side_call.h"
#include "source/net/connection.h"
#include "source/net/worker_context.h"

namespace weir::filter {

enum class NetworkVerdict : uint8_t {
  kNext,   // pass the bytes on
  kWait,   // hold them and all later ones of this direction, until resume() or resumeWrite()
  kClose,  // drop the connection
};

class NetworkHost {
 public:
  // The late answer to the kWait of onOpen or onRead, once; takes effect later in the turn.
  virtual void resume(NetworkVerdict verdict) = 0;
  // The same for the kWait of onWrite.
  virtual void resumeWrite(NetworkVerdict verdict) = 0;
  // Sends bytes of the filter's own to the client. Only the filters in front of it see them.
  virtual void write(std::string_view bytes) = 0;
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
  // Whether onWrite is to be called; asked once, after setHost(). Connections whose filters all say no are written as
  // if they had none.
  virtual bool looksAtOutput() const { return false; }
  // Before any bytes.
  virtual NetworkVerdict onOpen() { return NetworkVerdict::kNext; }
  // Bytes that came since the last call, or `end`: the peer will send no more.
  virtual NetworkVerdict onRead(buffer::Buffer&, bool /*end*/) { return NetworkVerdict::kNext; }
  // Bytes that go to the client, appended since the last call; in the flush phase of the turn.
  virtual NetworkVerdict onWrite(buffer::Buffer&) { return NetworkVerdict::kNext; }
  virtual void onClose(net::CloseReason) {}

 protected:
  NetworkHost& host() const { return *host_; }

 private:
  NetworkHost* host_ = nullptr;
};

}  // namespace weir::filter
