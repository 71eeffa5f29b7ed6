#include "source/proxy/internal_redirect.h"

#include <algorithm>
#include <optional>

#include "source/http/authority.h"

namespace weir::proxy {
namespace {

struct Target {
  std::string_view scheme;
  std::string_view authority;
  std::string_view path;
};

bool startsWithNoCase(std::string_view text, std::string_view lower) {
  if (text.size() < lower.size()) return false;
  return std::equal(lower.begin(), lower.end(), text.begin(),
                    [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b | 0x20) : b); });
}

// An absolute URL, or an absolute path on the same host; the fragment is the client's own business.
std::optional<Target> parseLocation(std::string_view location, const http::Head& request) {
  location = location.substr(0, location.find('#'));
  Target target{request.scheme, request.authority, location};
  for (const std::string_view scheme : {std::string_view("http"), std::string_view("https")}) {
    if (!startsWithNoCase(location, scheme) || location.substr(scheme.size(), 3) != "://") continue;
    const std::string_view rest = location.substr(scheme.size() + 3);
    const size_t end = std::min(rest.find_first_of("/?"), rest.size());
    target = {scheme, rest.substr(0, end), rest.substr(end)};
    if (target.path.empty()) target.path = "/";
  }
  if (target.path.empty() || target.path[0] != '/' || target.path.substr(0, 2) == "//") return std::nullopt;
  const bool odd = std::any_of(target.path.begin(), target.path.end(), [](char c) { return c <= ' ' || c >= 0x7f; });
  if (odd || !http::parseAuthority(target.authority)) return std::nullopt;
  return target;
}

}  // namespace

http::Head* copyRequest(const http::Head& from, base::Arena& arena) {
  http::Head& to = *arena.make<http::Head>(arena);
  to.method = from.method;
  to.scheme = from.scheme;
  to.authority = from.authority;
  to.path = from.path;
  to.version = from.version;
  to.content_length = from.content_length;
  for (const http::Field& field : from.headers) to.headers.addView(field.id, field.name, field.value);
  return &to;
}

http::Head* followRedirect(const InternalRedirectPolicy& policy, const RedirectTrail& trail, const http::Head& request,
                           const http::Head& response, const http::PathOptions& paths) {
  const auto& statuses = policy.statuses;
  if (std::find(statuses.begin(), statuses.end(), response.status) == statuses.end()) return nullptr;
  if (trail.followed >= std::min(policy.most, RedirectTrail::kMost)) return nullptr;
  if (request.isConnect() || !request.upgrade.empty()) return nullptr;
  const auto location = response.headers.get(http::HeaderId::kLocation);
  if (!location) return nullptr;
  base::Arena& arena = request.arena();
  const std::optional<Target> target = parseLocation(arena.copy(*location), request);
  if (!target) return nullptr;
  if (target->scheme != request.scheme) {
    if (!policy.cross_scheme) return nullptr;
    if (policy.safe_cross_scheme && request.scheme == "http") return nullptr;
  }
  const http::PathResult path = http::normalizePath(target->path, paths, arena);
  if (path.kind == http::PathResult::Kind::kRefused || path.kind == http::PathResult::Kind::kRedirect) return nullptr;
  http::Head& head = *copyRequest(request, arena);
  if (!head.headers.get("x-envoy-original-url")) {
    const std::string_view origin = arena.join(arena.join(request.scheme, "://"), request.authority);
    head.headers.set("x-envoy-original-url", arena.join(origin, request.path));
  }
  head.scheme = target->scheme;
  head.authority = target->authority;
  head.path = path.target;
  for (const std::string& name : policy.copied_headers) {
    if (const auto value = response.headers.joined(name)) {
      head.headers.set(name, *value);
    } else {
      head.headers.remove(name);
    }
  }
  // RFC 9110 section 15.4.4: what is there is to be got, whatever was done before.
  if (response.status == 303) {
    if (!request.isHead()) head.method = "GET";
    head.content_length = std::nullopt;
  }
  return &head;
}

bool mayRedirectTo(const InternalRedirectPolicy& policy, const RedirectTrail& trail, const Route* target) {
  if (target == nullptr) return !policy.not_previous_routes && !policy.allowed_routes;
  const auto written = [](const Route* route) { return route->parent != nullptr ? route->parent : route; };
  if (policy.not_previous_routes) {
    for (uint32_t i = 0; i <= trail.followed && i < RedirectTrail::kMost; ++i) {
      if (trail.routes[i] != nullptr && written(trail.routes[i]) == written(target)) return false;
    }
  }
  if (!policy.allowed_routes) return true;
  const auto& names = *policy.allowed_routes;
  return std::find(names.begin(), names.end(), target->routeName()) != names.end();
}

}  // namespace weir::proxy
