#include "source/http/cookie.h"

namespace weir::http {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string_view unquoted(std::string_view value) {
  const bool quoted = value.size() >= 2 && value.front() == '"' && value.back() == '"';
  return quoted ? value.substr(1, value.size() - 2) : value;
}

std::optional<std::string_view> valueIn(std::string_view list, std::string_view name) {
  while (!list.empty()) {
    const size_t semicolon = list.find(';');
    const std::string_view pair = trimmed(list.substr(0, semicolon));
    list = semicolon == std::string_view::npos ? std::string_view() : list.substr(semicolon + 1);
    const size_t equals = pair.find('=');
    if (equals == std::string_view::npos || trimmed(pair.substr(0, equals)) != name) continue;
    return unquoted(trimmed(pair.substr(equals + 1)));
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string_view> cookieValue(const HeaderMap& headers, std::string_view name) {
  // HTTP/2 clients may cut the list into several fields (RFC 9113 section 8.2.3).
  for (const Field& field : headers) {
    if (field.name != "cookie") continue;
    if (const auto value = valueIn(field.value, name)) return value;
  }
  return std::nullopt;
}

}  // namespace weir::http
