#include "source/proxy/wanted_name.h"

#include <charconv>

#include "source/http/authority.h"

namespace weir::proxy {

std::string_view wantedName(std::string_view authority, uint16_t default_port, base::Arena& arena) {
  const auto parsed = http::parseAuthority(authority);
  if (!parsed) return {};
  char digits[8];
  const auto end = std::to_chars(digits, digits + sizeof(digits), parsed->port.value_or(default_port));
  return arena.join(arena.join(arena.copyLower(parsed->host), ":"), std::string_view(digits, end.ptr - digits));
}

}  // namespace weir::proxy
