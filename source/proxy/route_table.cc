#include "source/proxy/route_table.h"

#include <algorithm>
#include <optional>

#include "absl/strings/ascii.h"
#include "source/base/strings.h"

namespace weir::proxy {

namespace {

std::string_view withoutQuery(std::string_view target) { return target.substr(0, target.find_first_of("?#")); }

// The value of the first parameter of that name, undecoded; none when there is no such parameter.
std::optional<std::string_view> queryParameter(std::string_view target, std::string_view name) {
  const size_t start = target.find('?');
  if (start == std::string_view::npos) return std::nullopt;
  std::string_view rest = target.substr(start + 1);
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    const size_t equals = pair.find('=');
    if (pair.substr(0, equals) == name) {
      return equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    }
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
  }
  return std::nullopt;
}

bool isGrpc(const http::Head& request) {
  const std::optional<std::string_view> type = request.headers.get(http::HeaderId::kContentType);
  if (!type || !type->starts_with("application/grpc")) return false;
  return type->size() == 16 || (*type)[16] == '+' || (*type)[16] == ';';
}

bool queryHolds(const QueryMatch& match, std::string_view target) {
  const std::optional<std::string_view> value = queryParameter(target, match.name);
  if (!match.value) return value.has_value() == match.present;
  return value.has_value() && match.value->matches(*value);
}

std::string_view stripPort(std::string_view authority) {
  const size_t colon = authority.rfind(':');
  if (colon == std::string_view::npos) return authority;
  const size_t bracket = authority.rfind(']');
  if (bracket != std::string_view::npos && colon < bracket) return authority;
  return authority.substr(0, colon);
}

struct Levels {
  const HeaderEdits* order[4];  // choice, route, virtual host, table
  size_t count = 0;
};

// Most specific first.
template <typename Get>
Levels levelsOf(const Route& route, Get&& get) {
  Levels levels;
  const auto push = [&levels](const HeaderEdits& edits) {
    if (!edits.empty()) levels.order[levels.count++] = &edits;
  };
  push(get(route));
  if (route.parent != nullptr) push(get(*route.parent));
  push(get(*route.virtual_host));
  push(get(*route.virtual_host->table));
  if (route.virtual_host->table->most_specific_wins) std::reverse(levels.order, levels.order + levels.count);
  return levels;
}

const Route& choose(const Route& route, base::Random& random) {
  if (route.choices.empty()) return route;
  const uint64_t point = random.below(route.choices.back().up_to);
  return *std::upper_bound(route.choices.begin(), route.choices.end(), point,
                           [](uint64_t p, const Route::Choice& choice) { return p < choice.up_to; })
              ->route;
}

}  // namespace

bool RouteMatch::accepts(const http::Head& request, std::string_view path, base::Random& random) const {
  if (path_kind == PathKind::kRegex && !regex->matches(path)) return false;
  if (grpc && !isGrpc(request)) return false;
  for (const filter::HeaderMatcher& header : headers) {
    if (!header.matches(request)) return false;
  }
  for (const QueryMatch& match : query) {
    if (!queryHolds(match, request.path)) return false;
  }
  return !fraction || fraction->hit(random);
}

void VirtualHost::index() {
  for (uint32_t i = 0; i < routes.size(); ++i) {
    const RouteMatch& match = routes[i].first;
    if (match.path_kind == RouteMatch::PathKind::kRegex) {
      sensitive_.addForAll(i);
      continue;
    }
    const PathIndex::Kind kind = match.path_kind == RouteMatch::PathKind::kExact    ? PathIndex::Kind::kExact
                                 : match.path_kind == RouteMatch::PathKind::kPrefix ? PathIndex::Kind::kPrefix
                                                                                    : PathIndex::Kind::kSeparatedPrefix;
    if (match.case_sensitive) {
      sensitive_.add(match.literal, kind, i);
    } else {
      insensitive_.add(absl::AsciiStrToLower(match.literal), kind, i);
      any_insensitive_ = true;
    }
  }
}

const Route* VirtualHost::match(const http::Head& request, base::Random& random) const {
  const std::string_view path = withoutQuery(request.path);
  // A CONNECT has no path, so that no path rule is about it.
  if (path.empty()) return nullptr;
  uint32_t best = static_cast<uint32_t>(routes.size());
  sensitive_.forEachCandidate(path, [&](uint32_t i) {
    if (!routes[i].first.accepts(request, path, random)) return false;
    best = i;
    return true;
  });
  if (any_insensitive_) {
    const std::string lower = absl::AsciiStrToLower(base::av(path));
    insensitive_.forEachCandidate(lower, [&](uint32_t i) {
      if (i >= best) return true;
      if (!routes[i].first.accepts(request, path, random)) return false;
      best = i;
      return true;
    });
  }
  return best < routes.size() ? &choose(*routes[best].second, random) : nullptr;
}

bool RouteTable::Wildcards::add(std::string_view fixed, VirtualHost& host) {
  auto at = std::find_if(by_length.begin(), by_length.end(), [&](const auto& l) { return l.first <= fixed.size(); });
  if (at == by_length.end() || at->first != fixed.size()) {
    at = by_length.insert(at, {fixed.size(), {}});
  }
  return at->second.emplace(std::string(fixed), &host).second;
}

bool RouteTable::addDomain(std::string_view domain, VirtualHost& host) {
  if (domain == "*") {
    if (any_ != nullptr) return false;
    any_ = &host;
    return true;
  }
  if (domain.starts_with('*')) return suffixes_.add(domain.substr(1), host);
  if (domain.ends_with('*')) return prefixes_.add(domain.substr(0, domain.size() - 1), host);
  return exact_.emplace(std::string(domain), &host).second;
}

const VirtualHost* RouteTable::findHost(std::string_view authority) const {
  if (exact_.empty() && suffixes_.by_length.empty() && prefixes_.by_length.empty()) return any_;
  if (ignore_port) authority = stripPort(authority);
  // The longest name that DNS allows is 253 bytes, so that this stays on the stack for all real names.
  char stack[264];
  std::string heap;
  char* lower = stack;
  if (authority.size() > sizeof(stack)) {
    heap.resize(authority.size());
    lower = heap.data();
  }
  std::transform(authority.begin(), authority.end(), lower, absl::ascii_tolower);
  const std::string_view host(lower, authority.size());
  if (const auto at = exact_.find(base::av(host)); at != exact_.end()) return at->second;
  // A wildcard stands for at least one byte.
  for (const auto& [length, names] : suffixes_.by_length) {
    if (length >= host.size()) continue;
    if (const auto at = names.find(base::av(host.substr(host.size() - length))); at != names.end()) return at->second;
  }
  for (const auto& [length, names] : prefixes_.by_length) {
    if (length >= host.size()) continue;
    if (const auto at = names.find(base::av(host.substr(0, length))); at != names.end()) return at->second;
  }
  return any_;
}

const Route* RouteTable::match(const http::Head& request, base::Random& random) const {
  const VirtualHost* host = findHost(request.authority);
  return host == nullptr ? nullptr : host->match(request, random);
}

void editRequest(http::Head& head, const Route& route, const filter::StreamInfo& info) {
  const Levels levels = levelsOf(route, [](const auto& l) -> const HeaderEdits& { return l.request_edits; });
  for (size_t i = 0; i < levels.count; ++i) levels.order[i]->apply(head, info);
}

void editResponse(http::Head& head, const Route& route, const filter::StreamInfo& info) {
  const Levels levels = levelsOf(route, [](const auto& l) -> const HeaderEdits& { return l.response_edits; });
  for (size_t i = 0; i < levels.count; ++i) levels.order[i]->apply(head, info);
}

}  // namespace weir::proxy
