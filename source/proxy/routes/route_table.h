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
#include "source/filter/matchers.h"
#include "source/filter/stream_info.h"
#include "source/http/head.h"
#include "source/proxy/routes/header_edits.h"
#include "source/proxy/routes/path_index.h"
#include "source/proxy/routes/regex_index.h"
#include "source/proxy/routes/route.h"
#include "source/proxy/routes/route_match.h"
#include "source/proxy/routes/route_stats.h"

namespace weir::proxy {

// Which requests a virtual host answers with a redirect to https.
enum class RequireTls : uint8_t {
  kNone,
  kExternal,  // all but those that a trusted peer has marked as internal
  kAll,
};

// What counts requests of its own: some requests of a virtual host, by their headers.
struct VirtualCluster {
  std::vector<filter::HeaderMatcher> headers;
  RouteStats stats;
};

class VirtualHost {
 public:
  std::string name;
  std::vector<std::pair<RouteMatch, std::unique_ptr<Route>>> routes;  // in written order
  HeaderEdits request_edits;
  HeaderEdits response_edits;
  FilterConfigs filters;
  std::shared_ptr<const filter::RateLimitRules> rate_limits;  // of routes that have none; null: none
  std::shared_ptr<const base::Metadata> notes;                // null: none
  const RouteTable* table = nullptr;
  std::vector<std::string> domains;  // as written, for explanations
  RequireTls require_tls = RequireTls::kNone;
  // In written order; what none of them takes counts into the other.
  std::vector<VirtualCluster> virtual_clusters;
  std::optional<RouteStats> other_virtual_cluster;  // there are virtual clusters

  VirtualHost();
  // After all routes are in place.
  void index();
  const Route* match(const http::Head& request, const filter::StreamInfo& info, base::Random& random) const;
  // The redirect that answers this request, whatever its route; null: none.
  const Route* tlsRedirect(const http::Head& request) const;
  // Null where there are none.
  const RouteStats* virtualClusterOf(const http::Head& request) const;

 private:
  const Route* matchConnect(const http::Head& request, const filter::StreamInfo& info, base::Random& random) const;

  PathIndex sensitive_;
  PathIndex insensitive_;  // of lower-case literals
  RegexIndex regexes_;
  std::vector<uint32_t> connect_;
  Route https_redirect_;
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
  // Lower case. Taken out of requests whose peer is not trusted, before anything else looks at them.
  std::vector<std::string> internal_only_headers;

  // `domain` in lower case: "a.b", "*.b", "a.*", "*". False when it is taken already.
  bool addDomain(std::string_view domain, VirtualHost& host);

  const VirtualHost* findHost(std::string_view authority) const;
  // Null when no virtual host or no route matches.
  const Route* match(const http::Head& request, const filter::StreamInfo& info, base::Random& random) const;

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

// The choice of a route with weighted clusters, or the route itself.
const Route& chooseCluster(const Route& route, const http::Head& request, const filter::StreamInfo& info,
                           base::Random& random);

// The edits of all levels, in the order that the table asks for: by default the most specific first, so that the table
// has the last word; with most_specific_wins the other way round.
void editRequest(http::Head& head, const Route& route, const filter::StreamInfo& info);
void editResponse(http::Head& head, const Route& route, const filter::StreamInfo& info);

}  // namespace weir::proxy
