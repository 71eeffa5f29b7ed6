#include "source/proxy/filter_chain.h"

#include <algorithm>
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
int rankOfPrefixes(const FilterChainMatch& match, const net::Address& remote) {
  if (match.source_prefixes.empty()) return 0;
  int best = -1;
  for (const FilterChainMatch::Prefix& prefix : match.source_prefixes) {
    if (prefix.range.contains(remote)) best = std::max(best, static_cast<int>(prefix.range.length()) + 1);
  }
  return best;
}

// One text for each single combination of values that a chain takes; two chains must not have one in common.
std::vector<std::string> combinations(const FilterChainMatch& match) {
  const std::string fixed =
      absl::StrCat("port ", match.destination_port ? absl::StrCat(*match.destination_port) : std::string("any"),
                   ", transport ", match.transport_protocol.empty() ? std::string("any") : match.transport_protocol,
                   ", source type ", static_cast<int>(match.source_type));
  std::vector<std::string> prefixes;
  for (const FilterChainMatch::Prefix& prefix : match.source_prefixes) prefixes.push_back(prefix.text);
  if (prefixes.empty()) prefixes.push_back("any");
  std::vector<std::string> all;
  for (const std::string& prefix : prefixes) {
    const std::string head = absl::StrCat(fixed, ", source prefix ", prefix, ", source port ");
    if (match.source_ports.empty()) all.push_back(absl::StrCat(head, "any"));
    for (uint16_t port : match.source_ports) all.push_back(absl::StrCat(head, port));
  }
  return all;
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
    : chains_(std::move(chains)), default_chain_(std::move(default_chain)) {}

const FilterChain* FilterChainMatcher::match(const net::Address& local, const net::Address& remote,
                                             std::string_view transport_protocol) const {
  Candidates candidates;
  for (const FilterChain& chain : chains_) candidates.push_back(&chain);
  narrow(candidates, [&](const FilterChainMatch& match) {
    return rankOf(!match.destination_port, match.destination_port == local.port());
  });
  narrow(candidates, [&](const FilterChainMatch& match) {
    return rankOf(match.transport_protocol.empty(), match.transport_protocol == transport_protocol);
  });
  const SourceType source = sameIpOrLoopback(local, remote) ? SourceType::kSameIpOrLoopback : SourceType::kExternal;
  narrow(candidates, [&](const FilterChainMatch& match) {
    return rankOf(match.source_type == SourceType::kAny, match.source_type == source);
  });
  narrow(candidates, [&](const FilterChainMatch& match) { return rankOfPrefixes(match, remote); });
  narrow(candidates, [&](const FilterChainMatch& match) {
    const auto& ports = match.source_ports;
    return rankOf(ports.empty(), std::find(ports.begin(), ports.end(), remote.port()) != ports.end());
  });
  return candidates.empty() ? default_chain_.get() : candidates.front();
}

}  // namespace weir::proxy
