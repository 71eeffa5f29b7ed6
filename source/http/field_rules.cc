#include "source/http/field_rules.h"

#include <algorithm>

namespace weir::http {

bool equalsLower(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() && std::equal(text.begin(), text.end(), lower.begin(), [](char a, char b) {
           return (static_cast<unsigned char>(a - 'A') < 26 ? a + 0x20 : a) == b;
         });
}

std::optional<uint64_t> parseContentLength(std::string_view text) {
  if (text.empty() || text.size() > 19) return std::nullopt;
  uint64_t length = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    length = length * 10 + static_cast<uint64_t>(c - '0');
  }
  return length;
}

bool isProxyField(std::string_view name) {
  return name.size() > 6 && name.substr(0, 6) == "proxy-" &&
         (name == "proxy-connection" || name == "proxy-authenticate" || name == "proxy-authorization" ||
          name == "proxy-authentication-info");
}

}  // namespace weir::http
