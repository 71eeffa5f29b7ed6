// Route, VirtualHost, RouteTable: which cluster a request goes to, and with what policy. Plain structs compiled at
// load from the route configuration; immutable, shared by workers, alive as long as the configuration.
// RouteTable::match gives the first route, in written order, of the best virtual host: exact domain before longest
// suffix wildcard before longest prefix wildcard before "*". Lookup does not grow with the number of routes.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "source/base/metadata.h"
#include "source/base/random.h"
#include "source/filter/http_filter.h"
#include "source/filter/rate_limit_rules.h"
#include "source/filter/stream_info.h"
#include "source/http/head.h"
#include "source/net/proxy_header.h"
#include "source/proxy/routes/header_edits.h"
#include "source/proxy/routes/local_reply.h"
#include "source/proxy/routes/route_stats.h"
#include "source/proxy/routes/upstream_policy.h"
#include "source/upstream/cluster.h"
#include "source/upstream/lb/subset_index.h"

namespace weir::proxy {

// Per-route configuration of filters, by slot of the chain: what one level (table, virtual host, route, cluster
// weight) says.
struct FilterConfigs {
  struct Entry {
    std::unique_ptr<filter::RouteFilterConfig> config;  // may be null when only `disabled` is said
    std::optional<bool> disabled;
  };
  std::vector<Entry> by_slot;  // empty, or one per slot
};

class HashPolicy;   // source/proxy/routes/hash_policy.h
class PathRewrite;  // source/proxy/routes/path_rewrite.h

struct ForwardAction {
  // One of the two names the cluster, unless the route has choices, each of which names its own.
  std::string cluster;
  std::string cluster_header;  // lower case
  uint16_t cluster_not_found_status = 503;

  absl::Duration timeout = absl::Seconds(15);  // zero: none
  std::optional<absl::Duration> idle_timeout;  // replaces the stream idle timeout; zero: none
  std::optional<absl::Duration> max_stream_duration;
  // Requests with a grpc-timeout: it takes the place of max_stream_duration, less the offset where it is longer than
  // that, and at most so long; zero: any length. None: the header is only passed on.
  std::optional<absl::Duration> grpc_timeout_max;
  absl::Duration grpc_timeout_offset = absl::ZeroDuration();
  upstream::Priority priority = upstream::Priority::kDefault;
  std::string prefix_rewrite;
  std::string host_rewrite_literal;
  std::string host_rewrite_header;
  bool auto_host_rewrite = false;
  bool append_x_forwarded_host = false;
  std::shared_ptr<const PathRewrite> host_rewrite_path;  // the host is what it makes of the path
  std::shared_ptr<const PathRewrite> regex_rewrite;
  std::shared_ptr<const HashPolicy> hash_policy;                  // null: none
  std::shared_ptr<const upstream::lb::SubsetIndex::Wish> subset;  // which hosts of the cluster; null: any
  std::vector<std::pair<std::string, bool>> upgrades;             // token, allowed; on top of the connection manager's
  // CONNECT ends here, and the cluster gets what is in the tunnel. Null: it is passed on as it is.
  struct Tunnel {
    bool post = false;  // a POST opens one as well
    // In front of it the cluster is told who the client is.
    std::optional<net::ProxyHeaderOptions> proxy_header = std::nullopt;
  };
  std::shared_ptr<const Tunnel> tunnel;
  // Retries, hedging, mirrors, internal redirects; null: none of them.
  std::shared_ptr<const UpstreamPolicy> policy;
};

struct RedirectAction {
  bool https = false;
  std::string scheme{};
  std::string host{};
  std::string path{};
  std::string prefix_rewrite{};
  std::optional<uint32_t> port{};
  std::shared_ptr<const PathRewrite> regex_rewrite{};
  uint16_t status = 301;
  bool strip_query = false;
};

struct DirectAction {
  uint16_t status = 200;
  std::string body{};
  // Makes the body instead of `body`, from what is known of the exchange; may be null.
  std::shared_ptr<const LocalReplyFormat> format{};
};

// How one of several weighted clusters is picked, where it is not simply drawn.
struct WeightedSplit {
  std::string header{};  // lower case; of a request that has a number there, that is the point
  std::shared_ptr<const HashPolicy> hash_policy{};
};

class VirtualHost;
class RouteTable;

class Route final : public filter::RouteInfo {
 public:
  std::string_view routeName() const override;
  std::string_view virtualHostName() const override;
  std::string_view clusterName() const override;
  const filter::RouteFilterConfig* filterConfig(size_t slot) const override;
  size_t filterConfigs(size_t slot, const filter::RouteFilterConfig** out, size_t capacity) const override;
  std::optional<bool> filterDisabled(size_t slot) const override;
  const filter::RateLimitRules* rateLimits() const override;
  const filter::RateLimitRules* virtualHostRateLimits() const override;
  const base::Metadata* metadata() const override;
  const base::Metadata* virtualHostMetadata() const override;

  std::string name;
  std::variant<ForwardAction, RedirectAction, DirectAction> action;
  HeaderEdits request_edits;
  HeaderEdits response_edits;
  FilterConfigs filters;
  std::shared_ptr<const filter::RateLimitRules> rate_limits;  // null: those of the virtual host
  std::shared_ptr<const base::Metadata> notes;                // null: none
  const VirtualHost* virtual_host = nullptr;
  // Weighted clusters: each is a route of its own whose `parent` is this one. RouteTable::match gives the choice and
  // never a route that has choices, so that nobody behind it knows of weights.
  struct Choice {
    uint64_t up_to;  // sum of the weights up to and including this one
    std::unique_ptr<Route> route;
  };
  std::vector<Choice> choices;
  std::shared_ptr<const WeightedSplit> split;  // null: drawn
  const Route* parent = nullptr;
  std::shared_ptr<const RouteStats> stats;  // what it counts on its own; may be null
  // How much of the path a prefix match has matched; what prefix_rewrite replaces.
  uint32_t matched_bytes = 0;
  bool whole_path = false;  // the match was of the whole path
  // Its place in the written order of the virtual host.
  uint32_t number = 0;
};

}  // namespace weir::proxy
