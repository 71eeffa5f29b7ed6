// Rules: role based access control as the rbac filters check it: policies, each of permissions and principals, or a
// tree of conditions. Compiled at load (compile_rules.h), then immutable and shared by workers. A check allocates
// nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/extensions/matchers/match_tree.h"
#include "source/filter/matchers.h"
#include "source/filter/metadata_matcher.h"
#include "source/net/address.h"
#include "source/stats/stats.h"

namespace weir::extensions::rbac {

using Subject = MatchSubject;

// One permission or principal, with those inside it.
struct Term {
  enum class Kind : uint8_t {
    kAnd,
    kOr,
    kNot,
    kAny,
    kHeader,
    kPath,
    kDestinationIp,
    kDestinationPort,
    kServerName,
    kAuthenticated,
    kDirectRemoteIp,
    kRemoteIp,
    kMetadata,
    kRouteMetadata,
  };
  Kind kind = Kind::kAny;
  std::vector<Term> inner;                      // kAnd, kOr, kNot
  std::optional<filter::HeaderMatcher> header;  // kHeader
  std::optional<filter::StringMatcher> text;    // kPath, kServerName; kAuthenticated: none takes every name
  std::optional<net::CidrRange> range;          // the kinds of addresses
  // kMetadata: what is noted about the stream; kRouteMetadata: about its route.
  std::optional<filter::MetadataMatcher> metadata;
  uint32_t first_port = 0;
  uint32_t last_port = 0;

  bool matches(const Subject& subject) const;
};

struct Policy {
  std::string name;
  std::vector<Term> permissions;
  std::vector<Term> principals;
  // Where each policy is counted for itself.
  std::optional<stats::CounterId> allowed;
  std::optional<stats::CounterId> denied;

  bool matches(const Subject& subject) const;
};

enum class Action : uint8_t { kAllow, kDeny, kLog };

// What a tree of conditions leads to.
struct NamedAction {
  Action action = Action::kAllow;
  // Where each is counted for itself.
  std::optional<stats::CounterId> allowed;
  std::optional<stats::CounterId> denied;
};

struct Rules {
  using Action = rbac::Action;
  Action action = Action::kAllow;
  std::vector<Policy> policies;  // by name
  // Instead of action and policies: leads to one of the actions; to none is kDeny.
  std::unique_ptr<const MatchTree> tree;
  std::vector<NamedAction> actions;
  stats::CounterId allowed;
  stats::CounterId denied;

  // Whether it is allowed; counts it.
  bool check(const Subject& subject, stats::Shard& shard) const;

 private:
  bool checkTree(const Subject& subject, stats::Shard& shard) const;
};

}  // namespace weir::extensions::rbac
