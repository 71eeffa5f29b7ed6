// RateLimitRule: from a request to a descriptor, by which rate limit filters choose what counts it: a list of keys and
// values, one or none of each action. Compiled at load (source/extensions/rate_limits) for a filter, a route or a
// virtual host, then immutable and shared by workers.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "source/filter/matchers.h"
#include "source/filter/stream_info.h"
#include "source/filter/substitution_format.h"
#include "source/http/head.h"
#include "source/net/address.h"

namespace weir::filter {

struct RateLimitEntry {
  std::string_view key;
  std::string_view value;
  friend bool operator==(const RateLimitEntry&, const RateLimitEntry&) = default;
};

// As long as most are, without an allocation.
using RateLimitDescriptor = absl::InlinedVector<RateLimitEntry, 8>;

struct QueryCondition {
  std::string name;
  std::optional<StringMatcher> value{};  // none: any
  bool present = true;                   // without a value: whether it is to be there
};

struct RateLimitAction {
  enum class Kind : uint8_t {
    kGenericKey,
    kRemoteAddress,
    kMaskedRemoteAddress,
    kRequestHeader,
    kHeaderValueMatch,
    kQueryParameterMatch,
    kRemoteAddressMatch,
    kDestinationCluster,
  };
  Kind kind = Kind::kGenericKey;
  std::string key;
  std::string value{};                      // kGenericKey and those that match
  std::string header{};                     // kRequestHeader; lower case
  bool skip_if_absent = false;              // kRequestHeader: the descriptor goes without it, else there is none
  std::vector<HeaderMatcher> conditions{};  // kHeaderValueMatch
  std::vector<QueryCondition> query{};      // kQueryParameterMatch
  std::vector<net::CidrRange> ranges{};     // kRemoteAddressMatch; of none, every address
  bool expect_match = true;                 // of those that match
  uint32_t v4_bits = 32;                    // kMaskedRemoteAddress
  uint32_t v6_bits = 128;
};

struct RateLimitRule {
  uint32_t stage = 0;
  std::vector<RateLimitAction> actions;
  uint64_t hits = 1;                                        // that a request counts for
  std::shared_ptr<const SubstitutionFormat> hits_format{};  // null: `hits`
  bool when_done = false;                                   // counts at the end of the request, and refuses nothing
  std::optional<bool> told{};                               // whether the client is; none: as the filter says

  // Fills `out` with the descriptor of a request; false when there is none. Texts stand in the arena of the head or in
  // this rule.
  bool describe(const http::Head& request, const StreamInfo& info, RateLimitDescriptor& out) const;
  // None when the format gives no number for it.
  std::optional<uint64_t> hitsOf(const StreamInfo& info) const;
};
using RateLimitRules = std::vector<RateLimitRule>;

}  // namespace weir::filter
