// proxyHeader: the PROXY protocol header that tells an upstream whose connection is passed on to it; the grammar is at
// the top of the source of what reads them, in the proxy_protocol listener filter. Keeps nothing.
// haproxy.org/download/3.0/doc/proxy-protocol.txt
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "source/net/transport.h"

namespace weir::net {

// Types that are passed on; TLVs of other types stay behind.
using TlvTypes = std::bitset<256>;

struct ProxyHeaderOptions {
  enum class Version : uint8_t { kV1, kV2 };
  Version version = Version::kV1;
  // Of version 2: type, length and value of each, as they are sent; at most kMaxTlvBytes.
  std::string tlvs = {};
  // Of version 2: those of the client's own header that go on, in front of `tlvs`, as far as there is room. What is in
  // `tlvs` too is said there alone.
  TlvTypes passed = {};
};

// What version 2 has room for, besides two addresses.
inline constexpr size_t kMaxTlvBytes = 65535 - 36;

// What of `tlvs` has one of those types, in its order. None where `tlvs` is not whole TLVs.
std::optional<std::string> tlvsOf(std::string_view tlvs, const TlvTypes& types);

// One more at the end of `tlvs`.
void addTlv(uint8_t type, std::string_view value, std::string& tlvs);

// Null: the connection is the proxy's own, which is LOCAL in version 2 and UNKNOWN in version 1. A client that has no
// IP address, or did not come to one, is UNKNOWN in version 1 and unspecified in version 2. If one of the two addresses
// is IPv4 and the other IPv6, both are written as IPv6.
std::string proxyHeader(const ProxyHeaderOptions& options, const ClientAddresses* client);

}  // namespace weir::net
