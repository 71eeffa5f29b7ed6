#include "source/filter/rate_limit_rules.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "absl/strings/str_cat.h"
#include "source/http/path.h"
#include "source/net/ip_text.h"

namespace weir::filter {
namespace {

using Kind = RateLimitAction::Kind;

std::string maskedRemote(const StreamInfo& info, const RateLimitAction& action) {
  const std::string_view bytes = info.downstream_remote.ipBytes();
  return net::maskedIpText(bytes, bytes.size() == 4 ? action.v4_bits : action.v6_bits);
}

bool holds(const QueryCondition& condition, std::string_view target) {
  std::optional<std::string_view> value;
  http::forEachQueryParameter(http::queryOf(target), [&](std::string_view name, std::string_view seen) {
    if (name != condition.name) return true;
    value = seen;
    return false;
  });
  if (condition.value) return value && condition.value->matches(*value);
  return value.has_value() == condition.present;
}

bool isWithin(const std::vector<net::CidrRange>& ranges, const net::Address& address) {
  return ranges.empty() || std::any_of(ranges.begin(), ranges.end(),
                                       [&](const net::CidrRange& range) { return range.contains(address); });
}

enum class Outcome : uint8_t { kEntry, kNothing, kNoDescriptor };

Outcome valueOf(const RateLimitAction& action, const http::Head& request, const StreamInfo& info,
                std::string_view& value) {
  switch (action.kind) {
    case Kind::kGenericKey:
      value = action.value;
      return Outcome::kEntry;
    case Kind::kRemoteAddress:
      if (!info.downstream_remote.isIp()) return Outcome::kNoDescriptor;
      value = request.arena().copy(info.downstream_remote.ip());
      return Outcome::kEntry;
    case Kind::kMaskedRemoteAddress:
      if (!info.downstream_remote.isIp()) return Outcome::kNoDescriptor;
      value = request.arena().copy(maskedRemote(info, action));
      return Outcome::kEntry;
    case Kind::kRequestHeader: {
      const std::optional<std::string_view> found = request.value(action.header);
      if (!found) return action.skip_if_absent ? Outcome::kNothing : Outcome::kNoDescriptor;
      value = *found;
      return Outcome::kEntry;
    }
    case Kind::kHeaderValueMatch:
      value = action.value;
      return matchesAll(action.conditions, request) == action.expect_match ? Outcome::kEntry : Outcome::kNoDescriptor;
    case Kind::kQueryParameterMatch: {
      const bool all = std::all_of(action.query.begin(), action.query.end(),
                                   [&](const QueryCondition& one) { return holds(one, request.path); });
      value = action.value;
      return all == action.expect_match ? Outcome::kEntry : Outcome::kNoDescriptor;
    }
    case Kind::kRemoteAddressMatch:
      value = action.value;
      return isWithin(action.ranges, info.downstream_remote) == action.expect_match ? Outcome::kEntry
                                                                                    : Outcome::kNoDescriptor;
    case Kind::kDestinationCluster:
      if (info.route == nullptr) return Outcome::kNoDescriptor;
      value = info.route->clusterName();
      return value.empty() ? Outcome::kNoDescriptor : Outcome::kEntry;
  }
  return Outcome::kNoDescriptor;
}

}  // namespace

bool RateLimitRule::describe(const http::Head& request, const StreamInfo& info, RateLimitDescriptor& out) const {
  out.clear();
  for (const RateLimitAction& action : actions) {
    std::string_view value;
    const Outcome outcome = valueOf(action, request, info, value);
    if (outcome == Outcome::kNoDescriptor) return false;
    if (outcome == Outcome::kEntry) out.push_back({action.key, value});
  }
  return !out.empty();
}

std::optional<uint64_t> RateLimitRule::hitsOf(const StreamInfo& info) const {
  if (hits_format == nullptr) return hits;
  std::string text;
  hits_format->append(info, text);
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace weir::filter
