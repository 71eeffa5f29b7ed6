#include "source/proxy/routes/route_table.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "absl/strings/ascii.h"
#include "source/base/strings.h"
#include "source/http/authority.h"
#include "source/http/path.h"
#include "source/proxy/routes/hash_policy.h"

namespace weir::proxy {

namespace {

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

// A point in [0, total): from the header that holds it, from the hash, or drawn.
uint64_t weightPoint(const WeightedSplit& split, uint64_t total, const http::Head& request,
                     const filter::StreamInfo& info, base::Random& random) {
  if (!split.header.empty()) {
    uint64_t value = 0;
    const std::string_view text = request.headers.get(split.header).value_or("");
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (!text.empty() && error == std::errc() && end == text.data() + text.size()) return value % total;
  }
  if (split.hash_policy != nullptr) {
    if (const auto hash = split.hash_policy->apply(request, info).hash) return *hash % total;
  }
  return random.below(total);
}

PathIndex::Kind kindOf(RouteMatch::PathKind kind) {
  if (kind == RouteMatch::PathKind::kExact) return PathIndex::Kind::kExact;
  return kind == RouteMatch::PathKind::kPrefix ? PathIndex::Kind::kPrefix : PathIndex::Kind::kSeparatedPrefix;
}

}  // namespace

const Route& chooseCluster(const Route& route, const http::Head& request, const filter::StreamInfo& info,
                           base::Random& random) {
  if (route.choices.empty()) return route;
  static const WeightedSplit kDrawn;
  const WeightedSplit& split = route.split == nullptr ? kDrawn : *route.split;
  const uint64_t point = weightPoint(split, route.choices.back().up_to, request, info, random);
  return *std::upper_bound(route.choices.begin(), route.choices.end(), point,
                           [](uint64_t p, const Route::Choice& choice) { return p < choice.up_to; })
              ->route;
}

VirtualHost::VirtualHost() {
  https_redirect_.virtual_host = this;
  https_redirect_.action.emplace<RedirectAction>().https = true;
}

void VirtualHost::index() {
  PathIndex::Builder sensitive, insensitive;
  RegexIndex::Builder regexes;
  for (uint32_t i = 0; i < routes.size(); ++i) {
    const RouteMatch& match = routes[i].first;
    if (match.path_kind == RouteMatch::PathKind::kRegex) {
      regexes.add(match.regex->expression(), i);
    } else if (match.path_kind == RouteMatch::PathKind::kConnect) {
      connect_.push_back(i);
    } else if (match.case_sensitive) {
      sensitive.add(match.literal, kindOf(match.path_kind), i);
    } else {
      insensitive.add(absl::AsciiStrToLower(match.literal), kindOf(match.path_kind), i);
    }
  }
  sensitive_ = std::move(sensitive).build();
  insensitive_ = std::move(insensitive).build();
  regexes_ = std::move(regexes).build();
}

const Route* VirtualHost::tlsRedirect(const http::Head& request) const {
  if (require_tls == RequireTls::kNone) return nullptr;
  if (request.headers.get(http::HeaderId::kXForwardedProto).value_or(request.scheme) == "https") return nullptr;
  if (require_tls == RequireTls::kExternal && request.headers.get("x-envoy-internal") == "true") return nullptr;
  return &https_redirect_;
}

const RouteStats* VirtualHost::virtualClusterOf(const http::Head& request) const {
  if (!other_virtual_cluster) return nullptr;
  for (const VirtualCluster& cluster : virtual_clusters) {
    if (filter::matchesAll(cluster.headers, request)) return &cluster.stats;
  }
  return &*other_virtual_cluster;
}

const Route* VirtualHost::matchConnect(const http::Head& request, const filter::StreamInfo& info,
                                       base::Random& random) const {
  for (const uint32_t i : connect_) {
    if (routes[i].first.accepts(request, {}, info, random)) {
      return &chooseCluster(*routes[i].second, request, info, random);
    }
  }
  return nullptr;
}

const Route* VirtualHost::match(const http::Head& request, const filter::StreamInfo& info, base::Random& random) const {
  if (request.isConnect()) return matchConnect(request, info, random);
  const std::string_view path = http::pathOf(request.path);
  if (path.empty()) return nullptr;
  PathCandidates candidates;
  std::vector<std::vector<uint32_t>> storage;
  sensitive_.collect(path, candidates);
  if (!insensitive_.empty()) insensitive_.collect(request.arena().copyLower(path), candidates);
  if (!regexes_.empty()) regexes_.collect(path, candidates, storage);
  uint32_t i;
  while (candidates.next(i)) {
    const auto& [match, route] = routes[i];
    if (match.accepts(request, path, info, random)) return &chooseCluster(*route, request, info, random);
  }
  return nullptr;
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
  if (ignore_port) authority = http::stripPort(authority);
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

const Route* RouteTable::match(const http::Head& request, const filter::StreamInfo& info, base::Random& random) const {
  const VirtualHost* const host = findHost(request.authority);
  if (host == nullptr) return nullptr;
  if (const Route* const redirect = host->tlsRedirect(request)) return redirect;
  return host->match(request, info, random);
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
