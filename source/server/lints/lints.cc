#include "source/server/lints/lints.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/core/v3/core.pb.h"
#include "envoy/config/endpoint/v3/endpoint.pb.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "envoy/type/matcher/v3/matcher.pb.h"
#include "source/net/address.h"
#include "source/server/lints/shadowed_routes.h"
#include "source/server/lints/walk.h"

namespace weir::server {
namespace {

using envoy::config::bootstrap::v3::Bootstrap;
using envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
namespace api = envoy::config::route::v3;

template <typename T>
const T* as(const Message& message) {
  return google::protobuf::DynamicCastToGenerated<const T>(&message);
}

// Every text of `message` itself, not of those in it.
void collectTexts(const Message& message, std::set<std::string>& texts) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* const field : fields) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_STRING) continue;
    if (!field->is_repeated()) {
      texts.insert(reflection.GetString(message, field));
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      texts.insert(reflection.GetRepeatedString(message, field, i));
    }
  }
}

// A cluster counts as used when its name stands anywhere but in clusters that say what they are called.
void lintUnusedClusters(const Bootstrap& bootstrap, base::Diagnostics& diagnostics, const base::FieldPath& root) {
  std::set<std::string> texts;
  bool by_header = false;
  forEachMessage(bootstrap, root, [&](const Message& message, const base::FieldPath&) {
    if (as<envoy::config::cluster::v3::Cluster>(message) != nullptr) return;
    if (as<envoy::config::endpoint::v3::ClusterLoadAssignment>(message) != nullptr) return;
    if (const auto* action = as<api::RouteAction>(message)) by_header |= action->has_cluster_header();
    if (const auto* weight = as<api::WeightedCluster::ClusterWeight>(message)) {
      by_header |= !weight->cluster_header().empty();
    }
    collectTexts(message, texts);
  });
  if (by_header) return;  // requests name clusters
  const base::FieldPath resources = root.at("static_resources");
  const auto& clusters = bootstrap.static_resources().clusters();
  for (int i = 0; i < clusters.size(); ++i) {
    if (texts.count(clusters[i].name()) != 0) continue;
    const base::FieldPath cluster = resources.at("clusters", static_cast<size_t>(i));
    diagnostics.warning(cluster.at("name"), absl::StrCat("nothing uses the cluster '", clusters[i].name(), "'"));
  }
}

bool isGrpcOnly(const api::RouteMatch& match) {
  if (match.has_grpc()) return true;
  for (const auto& header : match.headers()) {
    const auto& value = header.string_match();
    if (header.name() != "content-type" || header.invert_match()) continue;
    if (value.exact().starts_with("application/grpc") || value.prefix().starts_with("application/grpc")) return true;
  }
  return false;
}

// Chains with these filters are there for gRPC, whatever their routes say.
bool servesGrpc(const HttpConnectionManager& manager) {
  for (const auto& filter : manager.http_filters()) {
    const std::string& type = filter.typed_config().type_url();
    if (type.find("grpc_web") != std::string::npos || filter.name() == "envoy.filters.http.grpc_web") return true;
    if (type.find("grpc_stats") != std::string::npos || type.find("grpc_json") != std::string::npos) return true;
  }
  return false;
}

void lintStreaming(const HttpConnectionManager& manager, base::Diagnostics& diagnostics, const base::FieldPath& path) {
  const bool all = servesGrpc(manager);
  const base::FieldPath table = path.at("route_config");
  for (int h = 0; h < manager.route_config().virtual_hosts_size(); ++h) {
    const auto& host = manager.route_config().virtual_hosts(h);
    const base::FieldPath host_path = table.at("virtual_hosts", static_cast<size_t>(h));
    for (int r = 0; r < host.routes_size(); ++r) {
      const api::Route& route = host.routes(r);
      const bool bounded =
          route.route().has_timeout() || route.route().max_stream_duration().has_grpc_timeout_header_max();
      if (!route.has_route() || bounded || !(all || isGrpcOnly(route.match()))) continue;
      const base::FieldPath route_path = host_path.at("routes", static_cast<size_t>(r));
      diagnostics.warning(route_path.at("route"),
                          "gRPC streams that take longer than the default timeout of 15s are cut off; timeout: 0s "
                          "lets them last, max_stream_duration.grpc_timeout_header_max bounds them by what clients "
                          "ask for");
    }
  }
}

uint32_t retriesOf(const api::RetryPolicy& policy) {
  if (policy.retry_on().empty()) return 0;
  return policy.has_num_retries() ? policy.num_retries().value() : 1;
}

// The most retries of a route in the listener, and with each cluster that it retries to.
struct Hop {
  uint32_t retries = 0;
  std::map<std::string, std::pair<uint32_t, std::string>> by_cluster;  // with the path of the route
};

Hop hopOf(const envoy::config::listener::v3::Listener& listener, const base::FieldPath& path) {
  Hop hop;
  forEachMessage(listener, path, [&hop](const Message& message, const base::FieldPath& at) {
    const auto* const host = as<api::VirtualHost>(message);
    if (host == nullptr) return;
    for (int i = 0; i < host->routes_size(); ++i) {
      const api::RouteAction& action = host->routes(i).route();
      const uint32_t retries = retriesOf(action.has_retry_policy() ? action.retry_policy() : host->retry_policy());
      if (retries == 0) continue;
      hop.retries = std::max(hop.retries, retries);
      const std::string route = at.at("routes", static_cast<size_t>(i)).text();
      hop.by_cluster.try_emplace(action.cluster(), retries, route);
      for (const auto& weight : action.weighted_clusters().clusters()) {
        hop.by_cluster.try_emplace(weight.name(), retries, route);
      }
    }
  });
  return hop;
}

using envoy::config::core::v3::SocketAddress;

bool reaches(const SocketAddress& endpoint, const SocketAddress& listener) {
  if (endpoint.port_value() != listener.port_value() || listener.port_value() == 0) return false;
  if (endpoint.address() == listener.address()) return true;
  const auto bound = net::Address::parseIp(listener.address(), 1);
  // A wildcard is all addresses of this machine, of which only loopback is known here.
  const bool loopback =
      endpoint.address() == "localhost" || endpoint.address() == "::1" || endpoint.address().starts_with("127.");
  return loopback && bound.ok() && bound->isWildcard();
}

void lintRetries(const Bootstrap& bootstrap, base::Diagnostics& diagnostics, const base::FieldPath& root) {
  const base::FieldPath resources = root.at("static_resources");
  const auto& listeners = bootstrap.static_resources().listeners();
  std::vector<Hop> hops;
  for (int i = 0; i < listeners.size(); ++i) {
    hops.push_back(hopOf(listeners[i], resources.at("listeners", static_cast<size_t>(i))));
  }
  const auto& clusters = bootstrap.static_resources().clusters();
  for (int c = 0; c < clusters.size(); ++c) {
    std::set<int> reached;
    for (const auto& locality : clusters[c].load_assignment().endpoints()) {
      for (const auto& endpoint : locality.lb_endpoints()) {
        for (int l = 0; l < listeners.size(); ++l) {
          const auto& target = endpoint.endpoint().address().socket_address();
          if (reaches(target, listeners[l].address().socket_address())) reached.insert(l);
        }
      }
    }
    for (const int next : reached) {
      const uint32_t inner = hops[static_cast<size_t>(next)].retries;
      for (const Hop& hop : hops) {
        const auto outer = hop.by_cluster.find(clusters[c].name());
        if (inner == 0 || outer == hop.by_cluster.end()) continue;
        const auto& [retries, route] = outer->second;
        diagnostics.warning(resources.at("clusters", static_cast<size_t>(c)),
                            absl::StrCat("retries multiply: ", route, " tries up to ", retries + 1,
                                         " times to reach this cluster, whose "
                                         "hosts are the listener static_resources.listeners[",
                                         next, "], where a route tries up to ", inner + 1,
                                         " times; one request becomes up to ", (retries + 1) * (inner + 1)));
      }
    }
  }
}

}  // namespace

void lint(const Bootstrap& bootstrap, base::Diagnostics& diagnostics) {
  const base::FieldPath root;
  forEachMessage(bootstrap, root, [&diagnostics](const Message& message, const base::FieldPath& path) {
    if (const auto* host = as<api::VirtualHost>(message)) lintShadowedRoutes(*host, diagnostics, path);
    if (const auto* manager = as<HttpConnectionManager>(message)) lintStreaming(*manager, diagnostics, path);
  });
  lintUnusedClusters(bootstrap, diagnostics, root);
  lintRetries(bootstrap, diagnostics, root);
}

}  // namespace weir::server
