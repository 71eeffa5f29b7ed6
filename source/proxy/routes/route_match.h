// RouteMatch: what a request must be to take a route; all parts must hold. A plain value compiled at load, then
// immutable and shared by workers. Most routes ask for a path alone; whatever else they may ask for is kept apart, so
// that large tables stay small.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/base/random.h"
#include "source/filter/fraction.h"
#include "source/filter/matchers.h"
#include "source/filter/stream_info.h"
#include "source/http/head.h"

namespace weir::proxy {

struct QueryMatch {
  std::string name;
  // None: the parameter must be there (or, with `present` false, must not be).
  std::optional<filter::StringMatcher> value = std::nullopt;
  bool present = true;
};

struct CookieMatch {
  std::string name;
  filter::StringMatcher value;
  bool invert = false;  // also taken by requests without the cookie
};

// Of the connection that the request came on; what is not said does not matter.
struct TlsMatch {
  std::optional<bool> presented;  // the client showed a certificate
  std::optional<bool> validated;  // and weir found it good
};

// All that is not the path.
struct RouteConditions {
  std::vector<filter::HeaderMatcher> headers;
  std::vector<QueryMatch> query;
  std::vector<CookieMatch> cookies;
  std::optional<TlsMatch> tls;
  std::optional<filter::Fraction> fraction;  // of the requests; none: all
  bool grpc = false;
};

// What a request does not meet; kNone: it meets all. `index` is that of the header, parameter or cookie.
struct Mismatch {
  enum class Kind : uint8_t { kNone, kPath, kConnect, kGrpc, kTls, kHeader, kQuery, kCookie, kFraction };
  Kind kind = Kind::kNone;
  size_t index = 0;
};

struct RouteMatch {
  // kConnect: any CONNECT request; the others never match one, as it has no path.
  enum class PathKind : uint8_t { kPrefix, kExact, kSeparatedPrefix, kRegex, kConnect };

  PathKind path_kind = PathKind::kPrefix;
  bool case_sensitive = true;
  std::string literal;                                 // empty for kRegex and kConnect
  std::unique_ptr<const filter::StringMatcher> regex;  // of kRegex
  std::unique_ptr<RouteConditions> conditions;         // null: none

  // The conditions, made if there were none.
  RouteConditions& more();

  // Everything but a literal path, which an index may have tested already. `path` is without the query.
  bool accepts(const http::Head& request, std::string_view path, const filter::StreamInfo& info,
               base::Random& random) const;
  // The first part that the request does not meet, the path included, looking at nothing but this route. Draws from
  // `random` exactly when accepts() would.
  Mismatch mismatch(const http::Head& request, const filter::StreamInfo& info, base::Random& random) const;
};

}  // namespace weir::proxy
