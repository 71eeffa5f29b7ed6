// Plan: what one run of the load generator does; from its command line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "source/net/address.h"

namespace weir::bench {

enum class Traffic : uint8_t {
  kHttp1,
  kHttp2,
  kGrpc,       // unary calls over HTTP/2
  kTcp,        // 64 bytes up that say how many shall come down
  kWebSocket,  // 64 bytes up and down in a tunnel that an HTTP/1.1 upgrade opened
};

struct Plan {
  net::Address target;
  Traffic traffic = Traffic::kHttp1;
  bool tls = false;
  bool resume = false;  // TLS sessions
  size_t connections = 64;
  size_t streams = 1;      // of each HTTP/2 connection
  uint64_t requests = 0;   // above 0: so many and no more, however long they take, all of them measured
  double rate = 0;         // requests a second, at times fixed beforehand; 0: each as soon as the one before is over
  bool reconnect = false;  // a new connection for each request
  absl::Duration warm = absl::Seconds(1);
  absl::Duration measured = absl::Seconds(3);
  std::string path = "/100";
  size_t body = 0;        // of the request; above 0 it is a POST
  size_t response = 100;  // bytes that a good response has; a TCP request asks for them
};

}  // namespace weir::bench
