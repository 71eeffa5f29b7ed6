// MatchTree: conditions on a request or a connection that lead to one of several actions (xds.type.matcher.v3.Matcher).
// Compiled at load (compile_match_tree.h), then immutable and shared by workers. A search allocates nothing but for the
// text of an IPv6 address that is compared as text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/filter/matchers.h"
#include "source/http/head.h"
#include "source/net/address.h"
#include "source/net/transport_info.h"
#include "source/stats/stats.h"

namespace weir::base {
class Metadata;  // source/base/metadata.h
}

namespace weir::extensions {

// What is looked at.
struct MatchSubject {
  const http::Head* request = nullptr;  // null for a connection
  const net::Address& destination;
  const net::Address& direct_remote;  // the peer of the socket
  const net::Address& remote;         // the client as far as it is trusted
  const net::TransportInfo* tls = nullptr;
  // What is noted about the stream and about its route; null: nothing.
  const base::Metadata* noted = nullptr;
  const base::Metadata* route_noted = nullptr;
};

struct MatchInput {
  enum class Kind : uint8_t {
    kHeader,
    kDestinationIp,
    kDestinationPort,
    kSourceIp,
    kSourcePort,
    kDirectSourceIp,
    kServerName,
    kUriSan,
    kDnsSan,
    kSubject,
  };
  Kind kind = Kind::kHeader;
  std::string header;  // kHeader; lower case

  // None when it is not there. A view of the subject, or of `scratch`, which it may fill.
  std::optional<std::string_view> text(const MatchSubject& subject, std::string& scratch) const;
  // The input itself where it is an address, else null.
  const net::Address* address(const MatchSubject& subject) const;
};

struct MatchPredicate {
  enum class Kind : uint8_t { kValue, kRanges, kAnd, kOr, kNot };
  Kind kind = Kind::kValue;
  std::vector<MatchPredicate> inner;           // kAnd, kOr, kNot
  MatchInput input;                            // kValue, kRanges
  std::optional<filter::StringMatcher> value;  // kValue
  std::vector<net::CidrRange> ranges;          // kRanges
  stats::CounterId not_an_address;             // kRanges

  bool matches(const MatchSubject& subject, stats::Shard& shard) const;
};

class MatchTree {
 public:
  static constexpr size_t kNone = static_cast<size_t>(-1);

  // An action, or a tree.
  struct OnMatch {
    size_t action = kNone;
    std::unique_ptr<const MatchTree> tree;
    size_t find(const MatchSubject& subject, stats::Shard& shard) const;
  };
  struct Branch {
    MatchPredicate predicate;
    OnMatch on_match;
  };

  // The number of the action, as the one that compiled it was given; kNone when no condition leads to one.
  size_t find(const MatchSubject& subject, stats::Shard& shard) const;

  // --- while it is compiled
  std::vector<Branch> list;  // in order; or else a map:
  std::optional<MatchInput> input;
  bool by_prefix = false;  // the longest that leads to an action
  size_t longest_prefix = 0;
  std::map<std::string, OnMatch, std::less<>> map;
  std::optional<OnMatch> on_no_match;

 private:
  size_t findInMap(std::string_view text, const MatchSubject& subject, stats::Shard& shard) const;
};

}  // namespace weir::extensions
