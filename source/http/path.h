// Paths: normalisation, so that what weir decides by is what the upstream will serve, and the pieces of a target. Free
// functions; results are the input itself or text in the arena that is passed.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "source/base/arena.h"

namespace weir::http {

// What becomes of "%2F" and "%5C".
enum class EscapedSlashes : uint8_t { kKeep, kReject, kUnescapeAndRedirect, kUnescapeAndForward };

struct PathOptions {
  // RFC 3986 6.2.2 and 5.2.4: escapes of unreserved bytes are decoded, then dot segments removed; "\" counts as "/".
  bool normalize = true;
  bool merge_slashes = false;
  EscapedSlashes escaped_slashes = EscapedSlashes::kKeep;
};

struct PathResult {
  enum class Kind : uint8_t { kOk, kRedirect, kRefused };
  Kind kind = Kind::kOk;
  // The target with its query, to go on with or to redirect to; empty when refused.
  std::string_view target;
};

// `target` as in Head.path. "*" and the empty target stay as they are. Refused: escaped slashes where the options say
// so; and, when normalising, a path that does not begin with "/", a broken escape ("%", "%4", "%zz") and "%00".
// Applying it to its own result changes nothing more.
PathResult normalizePath(std::string_view target, const PathOptions& options, base::Arena& arena);

// `target` up to its "?", and what is behind it (empty when there is none).
std::string_view pathOf(std::string_view target);
std::string_view queryOf(std::string_view target);

// Escapes decoded; broken ones stay as they are. The input itself when there is none.
std::string_view percentDecode(std::string_view text, base::Arena& arena);

// Calls fn(key, value) for each parameter of `query`, not decoded, until it returns false. "a&b=&=c" gives ("a", ""),
// ("b", "") and ("", "c"); nothing between two "&" is left out.
template <typename Fn>
void forEachQueryParameter(std::string_view query, Fn&& fn) {
  while (!query.empty()) {
    const size_t amp = query.find('&');
    const std::string_view parameter = query.substr(0, amp);
    query = amp == std::string_view::npos ? std::string_view() : query.substr(amp + 1);
    if (parameter.empty()) continue;
    const size_t equals = parameter.find('=');
    const std::string_view value = equals == std::string_view::npos ? std::string_view() : parameter.substr(equals + 1);
    if (!fn(parameter.substr(0, equals), value)) return;
  }
}

}  // namespace weir::http
