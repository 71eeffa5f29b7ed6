#include "bench/load/incoming.h"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

namespace weir::bench {

uint16_t Incoming::listen() {
  auto socket = worker_.network.bind(*net::Address::parseIp("127.0.0.1", 0), {});
  if (!socket.ok()) {
    std::fprintf(stderr, "origin: %s\n", std::string(socket.status().message()).c_str());
    std::exit(1);
  }
  net::ListenerOwner& owner = *this;
  listener_ = std::make_unique<net::Listener>(worker_.dispatcher, *std::move(socket), owner);
  if (!listener_->start(4096).ok()) std::exit(1);
  return listener_->localAddress().port();
}

void Incoming::onAccept(std::unique_ptr<net::Socket> socket, const net::Address&) {
  (kind_ == Kind::kHttp ? serveHttp : serveRaw)(worker_, std::move(socket));
}

}  // namespace weir::bench
