// The ends of HTTP/2 connections through the proxy's world: H2Client speaks it over a RawClient, H2Server over the
// connections that the origin accepted. Both are weir's own codec under the test's hands (test/http/h2/peer.h); bytes
// are carried by carry(), which the tests call through settle().
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "test/http/h2/peer.h"
#include "test/proxy/proxy_world.h"

namespace weir::proxy {

class H2Client {
 public:
  explicit H2Client(ProxyWorld& world, const http::h2::H2Options& options = {});

  http::h2::Call& open() { return peer.open(); }
  // A request without a body, sent.
  http::h2::Call& get(std::string_view path);
  // Writes what is to be written and takes what has come; whether there was anything.
  bool carry();
  // Until nothing moves any more in the whole world.
  void settle();

  ProxyWorld& world;
  RawClient& raw;
  http::h2::Peer peer;
  std::string received;  // all bytes that came
};

class H2Server {
 public:
  // `on_end` is called when a request of any connection has ended, whole or not.
  H2Server(ProxyWorld& world, std::function<void(http::h2::Call&)> on_end, const http::h2::H2Options& options = {});

  bool carry();
  std::vector<std::unique_ptr<http::h2::Peer>> peers;  // of the origin's connections, in their order

 private:
  ProxyWorld& world_;
  std::function<void(http::h2::Call&)> on_end_;
  const http::h2::H2Options options_;
};

void settle(H2Client& client, H2Server& server);

}  // namespace weir::proxy
