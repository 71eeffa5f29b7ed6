#include "source/http/authority.h"

#include <algorithm>

namespace weir::http {
namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isHex(char c) { return isDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool isAlpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// RFC 3986 reg-name but for the comma, with which lists of hosts have been smuggled.
bool isNameByte(char c) {
  return isAlpha(c) || isDigit(c) || std::string_view("-._~!$&'()*+;=%").find(c) != std::string_view::npos;
}

bool isHost(std::string_view host) {
  if (host.empty()) return false;
  if (host.front() != '[') return std::all_of(host.begin(), host.end(), isNameByte);
  if (host.size() < 4 || host.back() != ']') return false;
  host = host.substr(1, host.size() - 2);
  const auto valid = [](char c) { return isHex(c) || c == ':' || c == '.'; };
  return host.find(':') != std::string_view::npos && std::all_of(host.begin(), host.end(), valid);
}

// Where the colon before the port is, or npos.
size_t portColon(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return colon;
  const size_t bracket = text.rfind(']');
  if (bracket != std::string_view::npos && colon < bracket) return std::string_view::npos;
  return colon;
}

}  // namespace

std::optional<Authority> parseAuthority(std::string_view text) {
  Authority authority;
  const size_t colon = portColon(text);
  authority.host = text.substr(0, colon);
  if (!isHost(authority.host)) return std::nullopt;
  if (colon == std::string_view::npos) return authority;
  const std::string_view digits = text.substr(colon + 1);
  if (digits.empty() || digits.size() > 5 || !std::all_of(digits.begin(), digits.end(), isDigit)) return std::nullopt;
  uint32_t port = 0;
  for (const char c : digits) port = port * 10 + static_cast<uint32_t>(c - '0');
  if (port > 65535) return std::nullopt;
  authority.port = static_cast<uint16_t>(port);
  return authority;
}

std::string_view stripPort(std::string_view text) {
  const size_t colon = portColon(text);
  if (colon == std::string_view::npos) return text;
  const std::string_view digits = text.substr(colon + 1);
  // More than one colon and no bracket is an address without a port.
  if (text.find(':') != colon && text.front() != '[') return text;
  return std::all_of(digits.begin(), digits.end(), isDigit) ? text.substr(0, colon) : text;
}

}  // namespace weir::http
