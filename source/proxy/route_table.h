// RouteTable: see route.h. Filled once by the route compiler, then immutable and shared by workers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "source/base/random.h"
#include "source/filter/fraction.h"
#include "source/filter/matchers.h"
#include "source/proxy/header_edits.h"
#include "source/proxy/path_index.h"
#include "source/proxy/route.h"

namespace weir::proxy {

struct QueryMatch {
  std::string name;
  // None: the parameter must be there (or, with `present` false, must not be).
  std::optional<filter::StringMatcher> value;
  bool present = true;
};

// What a request must be to take a route; all parts must hold.
struct RouteMatch {
  enum class PathKind : uint8_t { kPrefix, kExact, kSeparatedPrefix, kRegex };
  PathKind path_kind = PathKind::kPrefix;
  std::string literal;
  std::optional<filter::StringMatcher> regex;  // of kRegex
  bool case_sensitive = true;
  std::vector<filter::HeaderMatcher> headers;
  std::vector<QueryMatch> query;
  bool grpc = false;
  std::optional<filter::Fraction> fraction;  // of the requests; none: all

  // Everything but a literal path, which the index has tested already. `path` is without the query.
  bool accepts(const http::Head& request, std::string_view path, base::Random& random) const;
};

class VirtualHost {
 public:
  std::string name;
  std::vector<std::pair<RouteMatch, std::unique_ptr<Route>>> routes;  // in written order
  HeaderEdits request_edits;
  HeaderEdits response_edits;
  FilterConfigs filters;
  const RouteTable* table = nullptr;

  // After all routes are in place.
  void index();
  const Route* match(const http::Head& request, base::Random& random) const;

 private:
  PathIndex sensitive_;
  PathIndex insensitive_;
  bool any_insensitive_ = false;
};

class RouteTable {
 public:
  std::string name;
  std::vector<std::unique_ptr<VirtualHost>> hosts;
  HeaderEdits request_edits;
  HeaderEdits response_edits;
  FilterConfigs filters;
  bool most_specific_wins = false;
  bool ignore_port = false;

  // `domain` in lower case: "a.b", "*.b", "a.*", "*". False when it is taken already.
  bool addDomain(std::string_view domain, VirtualHost& host);

  const VirtualHost* findHost(std::string_view authority) const;
  // Null when no virtual host or no route matches.
  const Route* match(const http::Head& request, base::Random& random) const;

 private:
  // Wildcards by the length of their fixed part, longest first.
  struct Wildcards {
    std::vector<std::pair<size_t, absl::flat_hash_map<std::string, VirtualHost*>>> by_length;
    bool add(std::string_view fixed, VirtualHost& host);
  };
  absl::flat_hash_map<std::string, VirtualHost*> exact_;
  Wildcards suffixes_;
  Wildcards prefixes_;
  VirtualHost* any_ = nullptr;
};

// The edits of all levels, in the order that the table asks for: by default the most specific first, so that the table
// has the last word; with most_specific_wins the other way round.
void editRequest(http::Head& head, const Route& route, const filter::StreamInfo& info);
void editResponse(http::Head& head, const Route& route, const filter::StreamInfo& info);

}  // namespace weir::proxy
