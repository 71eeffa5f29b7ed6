#include "source/proxy/routes/route_match.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "source/base/strings.h"
#include "source/http/cookie.h"
#include "source/http/grpc.h"
#include "source/http/path.h"
#include "source/net/transport_info.h"

namespace weir::proxy {
namespace {

using Kind = Mismatch::Kind;
using base::av;

bool queryHolds(const QueryMatch& match, std::string_view target) {
  std::optional<std::string_view> value;
  http::forEachQueryParameter(http::queryOf(target), [&](std::string_view name, std::string_view seen) {
    if (name != match.name) return true;
    value = seen;
    return false;
  });
  if (!match.value) return value.has_value() == match.present;
  return value.has_value() && match.value->matches(*value);
}

bool cookieHolds(const CookieMatch& match, const http::Head& request) {
  const std::optional<std::string_view> value = http::cookieValue(request.headers, match.name);
  return (value.has_value() && match.value.matches(*value)) != match.invert;
}

bool tlsHolds(const TlsMatch& match, const net::TransportInfo* transport) {
  const bool presented = transport != nullptr && transport->peer != nullptr;
  const bool validated = presented && transport->verified;
  return match.presented.value_or(presented) == presented && match.validated.value_or(validated) == validated;
}

// Without the fraction, so that nothing is drawn for a request that would not match anyway.
Mismatch firstMismatch(const RouteConditions& conditions, const http::Head& request, const filter::StreamInfo& info) {
  if (conditions.grpc && !http::isGrpc(request)) return {Kind::kGrpc};
  for (size_t i = 0; i < conditions.headers.size(); ++i) {
    if (!conditions.headers[i].matches(request)) return {Kind::kHeader, i};
  }
  for (size_t i = 0; i < conditions.query.size(); ++i) {
    if (!queryHolds(conditions.query[i], request.path)) return {Kind::kQuery, i};
  }
  for (size_t i = 0; i < conditions.cookies.size(); ++i) {
    if (!cookieHolds(conditions.cookies[i], request)) return {Kind::kCookie, i};
  }
  if (conditions.tls && !tlsHolds(*conditions.tls, info.downstream_transport)) return {Kind::kTls};
  return {};
}

bool startsWith(std::string_view path, std::string_view literal, bool case_sensitive) {
  return case_sensitive ? path.starts_with(literal) : absl::StartsWithIgnoreCase(av(path), av(literal));
}

bool pathHolds(const RouteMatch& match, std::string_view path) {
  switch (match.path_kind) {
    case RouteMatch::PathKind::kPrefix:
      return startsWith(path, match.literal, match.case_sensitive);
    case RouteMatch::PathKind::kExact:
      return path.size() == match.literal.size() && startsWith(path, match.literal, match.case_sensitive);
    case RouteMatch::PathKind::kSeparatedPrefix:
      return startsWith(path, match.literal, match.case_sensitive) &&
             (path.size() == match.literal.size() || path[match.literal.size()] == '/');
    case RouteMatch::PathKind::kRegex:
      return match.regex->matches(path);
    case RouteMatch::PathKind::kConnect:
      break;
  }
  return false;
}

}  // namespace

RouteConditions& RouteMatch::more() {
  if (conditions == nullptr) conditions = std::make_unique<RouteConditions>();
  return *conditions;
}

bool RouteMatch::accepts(const http::Head& request, std::string_view path, const filter::StreamInfo& info,
                         base::Random& random) const {
  if (path_kind == PathKind::kRegex && !regex->matches(path)) return false;
  if (conditions == nullptr) return true;
  if (firstMismatch(*conditions, request, info).kind != Kind::kNone) return false;
  return !conditions->fraction || conditions->fraction->hit(random);
}

Mismatch RouteMatch::mismatch(const http::Head& request, const filter::StreamInfo& info, base::Random& random) const {
  const std::string_view path = http::pathOf(request.path);
  const bool for_connect = path_kind == PathKind::kConnect;
  if (for_connect != request.isConnect()) return {for_connect ? Kind::kConnect : Kind::kPath};
  if (!for_connect && (path.empty() || !pathHolds(*this, path))) return {Kind::kPath};
  if (conditions == nullptr) return {};
  const Mismatch seen = firstMismatch(*conditions, request, info);
  if (seen.kind != Kind::kNone || !conditions->fraction || conditions->fraction->hit(random)) return seen;
  return {Kind::kFraction};
}

}  // namespace weir::proxy
