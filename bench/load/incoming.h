// Incoming: the server behind the proxies that are measured: as little work per request as weir's own codecs allow.
// HTTP/1.1 and HTTP/2 on one port, told apart by their first bytes, and raw TCP on another.
//
//   /N       N bytes          /echo   the request's body      /grpc   one message of 100 bytes and grpc-status 0
//   Upgrade  101, then what comes is sent back
//   raw TCP  64 bytes that begin with a number and a line feed: so many bytes
#pragma once

#include <memory>

#include "source/net/connection.h"
#include "source/net/listener.h"
#include "source/net/worker_context.h"

namespace weir::bench {

class Incoming final : public net::ListenerOwner {
 public:
  enum class Kind : uint8_t { kHttp, kRaw };
  Incoming(const net::WorkerContext& worker, Kind kind) : worker_(worker), kind_(kind) {}

  // Binds to a port of the kernel's choice on 127.0.0.1, and accepts from now on.
  uint16_t listen();

 private:
  void onAccept(std::unique_ptr<net::Socket> socket, const net::Address& peer) override;
  void onExhausted(int) override {}

  const net::WorkerContext& worker_;
  Kind kind_;
  std::unique_ptr<net::Listener> listener_;
};

// Each destroys itself after its connection has closed.
void serveHttp(const net::WorkerContext& worker, std::unique_ptr<net::Socket> socket);
void serveRaw(const net::WorkerContext& worker, std::unique_ptr<net::Socket> socket);

}  // namespace weir::bench
