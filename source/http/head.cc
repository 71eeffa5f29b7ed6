#include "source/http/head.h"

#include <charconv>

namespace weir::http {
namespace {

std::string_view decimal(base::Arena& arena, uint64_t number) {
  char text[20];
  const auto result = std::to_chars(text, text + sizeof(text), number);
  return arena.copy(std::string_view(text, result.ptr - text));
}

std::optional<std::string_view> unlessEmpty(std::string_view text) {
  if (text.empty()) return std::nullopt;
  return text;
}

}  // namespace

std::string_view versionName(Version version) {
  switch (version) {
    case Version::kHttp10:
      return "HTTP/1.0";
    case Version::kHttp11:
      return "HTTP/1.1";
    case Version::kHttp2:
      return "HTTP/2";
  }
  return "";
}

std::optional<std::string_view> Head::value(std::string_view lower_name) const {
  if (!lower_name.empty() && lower_name[0] == ':') {
    if (lower_name == ":method") return unlessEmpty(method);
    if (lower_name == ":scheme") return unlessEmpty(scheme);
    if (lower_name == ":authority") return unlessEmpty(authority);
    if (lower_name == ":path") return unlessEmpty(path);
    if (lower_name == ":status" && status != 0) return decimal(arena(), status);
    return std::nullopt;
  }
  if (lower_name == "host") return unlessEmpty(authority);
  if (lower_name == "content-length") {
    if (!content_length) return std::nullopt;
    return decimal(arena(), *content_length);
  }
  return headers.joined(lower_name);
}

}  // namespace weir::http
