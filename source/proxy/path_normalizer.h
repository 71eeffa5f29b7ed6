// Path normalisation: what a request target becomes before routes and filters look at it, so that they and the upstream
// see the same path. Free functions over text; what they make is in the given arena. Normalising twice changes nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "source/base/arena.h"

namespace weir::proxy {

// What becomes of %2F and %5C in a path.
enum class EscapedSlashes : uint8_t { kKeep, kReject, kRedirect, kForward };

struct PathOptions {
  // RFC 3986 section 6.2.2: escapes of unreserved characters are decoded, other escapes get upper-case digits, dot
  // segments are resolved; a backslash becomes a slash.
  bool normalize = true;
  bool merge_slashes = false;
  EscapedSlashes escaped_slashes = EscapedSlashes::kKeep;
};

struct NormalizedPath {
  enum class Outcome : uint8_t { kForward, kRedirect, kRefuse };
  Outcome outcome = Outcome::kForward;
  std::string_view target;  // with its query; `target` itself when nothing changed
};

// `target` is a path with an optional query ("/a/b?c"), or "*", which stays as it is. Refuses an escaped NUL when it
// normalises, and a fragment always.
NormalizedPath normalizePath(std::string_view target, const PathOptions& options, base::Arena& arena);

}  // namespace weir::proxy
