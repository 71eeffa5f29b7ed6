// Authorities: "host", "host:port", "1.2.3.4:80", "[::1]:443". Free functions over text; nothing is copied.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::http {

struct Authority {
  std::string_view host;  // with its brackets when it is an IPv6 address
  std::optional<uint16_t> port;
};

// Nothing when `text` is not an authority in the strict sense: no user information, no comma, space, control or
// non-ASCII byte, a port of digits up to 65535. An empty port ("host:") is refused, an empty host too.
std::optional<Authority> parseAuthority(std::string_view text);

// `text` without its port, if it has one; for matching domains. `text` need not be valid.
std::string_view stripPort(std::string_view text);

}  // namespace weir::http
