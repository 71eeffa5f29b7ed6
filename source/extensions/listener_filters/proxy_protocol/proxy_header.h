// parseProxyHeader: reads a PROXY protocol header (versions 1 and 2), with which a load balancer says whose connection
// it passes on. Keeps nothing. haproxy.org/download/3.0/doc/proxy-protocol.txt
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "source/net/address.h"

namespace weir::extensions::proxy_protocol {

struct ProxyHeader {
  enum class State : uint8_t {
    kMore,  // all so far may be the beginning of one
    kComplete,
    kNone,  // it begins otherwise
    kBad,   // it begins as one, and is none
  };
  State state = State::kNone;
  int version = 0;
  size_t bytes = 0;  // of the header
  // None: a connection of the load balancer itself (LOCAL, UNKNOWN), or of a family that has no addresses.
  net::Address source = {};
  net::Address destination = {};
  std::string_view tlvs = {};  // of version 2: what stands behind the addresses; in the bytes that were parsed
};

inline constexpr size_t kMaxProxyHeader = 16 + 65535;

ProxyHeader parseProxyHeader(std::string_view bytes);

}  // namespace weir::extensions::proxy_protocol
