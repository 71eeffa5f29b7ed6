#include "source/proxy/listener/filter_chain.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"

namespace weir::proxy {
namespace {

using Candidates = absl::InlinedVector<const FilterChain*, 16>;
using SourceType = FilterChainMatch::SourceType;

// How well a chain meets one criterion: below 0 not at all, 0 it leaves the criterion open, above 0 it names the value.
template <typename Rank>
void narrow(Candidates& candidates, Rank&& rank) {
  int best = -1;
  for (const FilterChain* chain : candidates) best = std::max(best, rank(chain->match));
  candidates.erase(std::remove_if(candidates.begin(), candidates.end(),
                                  [&](const FilterChain* chain) { return best < 0 || rank(chain->match) < best; }),
                   candidates.end());
}

int rankOf(bool open, bool equal) { return open ? 0 : equal ? 1 : -1; }

bool sameIpOrLoopback(const net::Address& local, const net::Address& remote) {
  if (!remote.isIp()) return true;  // a unix socket's peer is on this machine
  return remote.isLoopback() || (remote.family() == local.family() && remote.ipBytes() == local.ipBytes());
}

// The most specific prefix that holds the address; longer is better.
int rankOfPrefixes(const std::vector<FilterChainMatch::Prefix>& prefixes, const net::Address& address) {
  if (prefixes.empty()) return 0;
  int best = -1;
  for (const FilterChainMatch::Prefix& prefix : prefixes) {
    if (prefix.range.contains(address)) best = std::max(best, static_cast<int>(prefix.range.length()) + 1);
  }
  return best;
}

// The name itself before names that it is under, of these the longest.
int rankOfServerNames(const std::vector<std::string>& names, std::string_view asked) {
  if (names.empty()) return 0;
  int best = -1;
  for (const std::string_view name : names) {
    if (name == asked) return std::numeric_limits<int>::max();
    if (name.starts_with('.') && asked.ends_with(name)) best = std::max(best, static_cast<int>(name.size()));
  }
  return best;
}

// What the client wants most wins.
int rankOfProtocols(const std::vector<std::string>& taken, const std::vector<std::string>& offered) {
  if (taken.empty()) return 0;
  for (size_t i = 0; i < offered.size(); ++i) {
    if (std::find(taken.begin(), taken.end(), offered[i]) != taken.end()) return static_cast<int>(offered.size() - i);
  }
  return -1;
}

// Each value with what goes before it; without any, what `none` says.
template <typename List, typename Text>
std::vector<std::string> times(const std::vector<std::string>& heads, const char* name, const List& list, Text&& text,
                               const char* none = nullptr) {
  std::vector<std::string> all;
  for (const std::string& head : heads) {
    const std::string start = absl::StrCat(head, head.empty() ? "" : ", ", name, " ");
    if (list.empty()) all.push_back(none == nullptr ? head : absl::StrCat(start, none));
    for (const auto& one : list) all.push_back(absl::StrCat(start, text(one)));
  }
  return all;
}

// One text for each single combination of values that a chain takes; two chains must not have one in common.
std::vector<std::string> combinations(const FilterChainMatch& match) {
  const auto prefix = [](const FilterChainMatch::Prefix& one) { return one.text; };
  const auto text = [](const std::string& one) { return one; };
  const std::vector<std::string> port(match.destination_port ? 1 : 0, absl::StrCat(match.destination_port.value_or(0)));
  const std::vector<std::string> transport(match.transport_protocol.empty() ? 0 : 1, match.transport_protocol);
  std::vector<std::string> all = times({""}, "port", port, text, "any");
  all = times(all, "prefix", match.prefixes, prefix);
  all = times(all, "server name", match.server_names,
              [](const std::string& one) { return one.starts_with('.') ? absl::StrCat("*", one) : one; });
  all = times(all, "transport", transport, text, "any");
  all = times(all, "protocol", match.application_protocols, text);
  all = times(all, "direct source prefix", match.direct_source_prefixes, prefix);
  all = times(all, "source type", std::vector<int>{static_cast<int>(match.source_type)}, [](int one) { return one; });
  all = times(all, "source prefix", match.source_prefixes, prefix, "any");
  return times(
      all, "source port", match.source_ports, [](uint16_t one) { return one; }, "any");
}

}  // namespace

absl::StatusOr<std::unique_ptr<const FilterChainMatcher>> FilterChainMatcher::make(
    std::vector<FilterChain> chains, std::unique_ptr<FilterChain> default_chain) {
  std::map<std::string, const FilterChain*> taken;
  for (const FilterChain& chain : chains) {
    for (const std::string& combination : combinations(chain.match)) {
      const auto [at, fresh] = taken.emplace(combination, &chain);
      if (fresh || at->second == &chain) continue;
      return absl::InvalidArgumentError(absl::StrCat("filter chains \"", at->second->name, "\" and \"", chain.name,
                                                     "\" match the same connections (", combination,
                                                     "); each combination may stand in one chain"));
    }
  }
  return std::unique_ptr<const FilterChainMatcher>(new FilterChainMatcher(std::move(chains), std::move(default_chain)));
}

FilterChainMatcher::FilterChainMatcher(std::vector<FilterChain> chains, std::unique_ptr<FilterChain> default_chain)
    : chains_(std::move(chains)),
      default_chain_(std::move(default_chain)),
      for_all_(chains_.size() == 1 && chains_.front().match.open() ? &chains_.front() : nullptr) {}

bool FilterChainMatch::open() const {
  return !destination_port && prefixes.empty() && server_names.empty() && transport_protocol.empty() &&
         application_protocols.empty() && direct_source_prefixes.empty() && source_type == SourceType::kAny &&
         source_prefixes.empty() && source_ports.empty();
}

const FilterChain* FilterChainMatcher::match(const Inspected& connection) const {
  if (for_all_ != nullptr) return for_all_;
  Candidates candidates;
  for (const FilterChain& chain : chains_) candidates.push_back(&chain);
  narrow(candidates, [&](const FilterChainMatch& match) {
    return rankOf(!match.destination_port, match.destination_port == connection.local.port());
  });
  narrow(candidates, [&](const FilterChainMatch& match) { return rankOfPrefixes(match.prefixes, connection.local); });
  narrow(candidates,
         [&](const FilterChainMatch& match) { return rankOfServerNames(match.server_names, connection.server_name); });
  narrow(candidates, [&](const FilterChainMatch& match) {
    return rankOf(match.transport_protocol.empty(), match.transport_protocol == connection.transport_protocol);
  });
  narrow(candidates, [&](const FilterChainMatch& match) {
    return rankOfProtocols(match.application_protocols, connection.application_protocols);
  });
  narrow(candidates, [&](const FilterChainMatch& match) {
    return rankOfPrefixes(match.direct_source_prefixes, connection.direct_remote);
  });
  const bool here = sameIpOrLoopback(connection.local, connection.remote);
  const SourceType source = here ? SourceType::kSameIpOrLoopback : SourceType::kExternal;
  narrow(candidates, [&](const FilterChainMatch& match) {
    return rankOf(match.source_type == SourceType::kAny, match.source_type == source);
  });
  narrow(candidates,
         [&](const FilterChainMatch& match) { return rankOfPrefixes(match.source_prefixes, connection.remote); });
  narrow(candidates, [&](const FilterChainMatch& match) {
    const auto& ports = match.source_ports;
    return rankOf(ports.empty(), std::find(ports.begin(), ports.end(), connection.remote.port()) != ports.end());
  });
  return candidates.empty() ? default_chain_.get() : candidates.front();
}

}  // namespace weir::proxy
