#include "source/extensions/filters/network/tcp_proxy/tcp_proxy_config.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.pb.h"
#include "source/extensions/access_loggers/access_log_config.h"
#include "source/extensions/messages/duration.h"
#include "source/extensions/routes/header_edits.h"
#include "source/filter/substitution_format.h"
#include "source/proxy/tcp_proxy.h"

namespace weir::extensions::tcp_proxy {
namespace {

using envoy::extensions::filters::network::tcp_proxy::v3::TcpProxy;

void addTarget(const std::string& cluster, uint64_t weight, const base::FieldPath& path,
               const proxy::SessionContext& context, proxy::TcpProxyConfig& config) {
  const std::string problem = context.cluster_problem(cluster);
  if (!problem.empty()) context.diagnostics.error(path, problem);
  config.targets.push_back({cluster, weight});
}

void compileTargets(const TcpProxy& message, const proxy::SessionContext& context, proxy::TcpProxyConfig& config) {
  const base::FieldPath& path = context.path;
  if (message.has_weighted_clusters()) {
    const base::FieldPath weighted = path.at("weighted_clusters");
    config.total_weight = 0;
    for (int i = 0; i < message.weighted_clusters().clusters_size(); ++i) {
      const TcpProxy::WeightedCluster::ClusterWeight& from = message.weighted_clusters().clusters(i);
      const base::FieldPath entry = weighted.at("clusters", static_cast<size_t>(i));
      addTarget(from.name(), from.weight(), entry.at("name"), context, config);
      config.total_weight += from.weight();
    }
    if (config.total_weight == 0) {
      context.diagnostics.error(weighted, "no cluster with a weight; allowed: at least one with 1 or more");
    }
  } else if (!message.cluster().empty()) {
    addTarget(message.cluster(), 1, path.at("cluster"), context, config);
  } else {
    context.diagnostics.error(path, "no cluster; allowed: cluster or weighted_clusters");
  }
}

std::unique_ptr<const proxy::TcpTunnelRequest> compileTunnel(const TcpProxy::TunnelingConfig& message,
                                                             base::Diagnostics& diagnostics,
                                                             const base::FieldPath& path) {
  auto tunnel = std::make_unique<proxy::TcpTunnelRequest>();
  auto hostname = filter::SubstitutionFormat::parse(message.hostname(), /*omit_empty_values=*/true);
  if (hostname.ok()) {
    tunnel->hostname = *std::move(hostname);
  } else {
    diagnostics.error(path.at("hostname"), std::string(hostname.status().message()));
  }
  tunnel->post = message.use_post();
  if (!message.post_path().empty()) {
    tunnel->post_path = message.post_path();
    if (!message.use_post()) diagnostics.error(path.at("post_path"), "given without use_post; allowed: with it");
    if (tunnel->post_path.front() != '/') diagnostics.error(path.at("post_path"), "does not begin with /");
  }
  tunnel->headers = compileHeaderEdits(message.headers_to_add(), "headers_to_add", {}, "", diagnostics, path);
  return tunnel;
}

std::unique_ptr<proxy::SessionFactory> make(const google::protobuf::Message& generic,
                                            const proxy::SessionContext& context) {
  const auto& message = *google::protobuf::DynamicCastToGenerated<const TcpProxy>(&generic);
  const size_t errors_before = context.diagnostics.errors();
  proxy::TcpProxyConfig config;
  config.listener = context.listener;
  config.stat_prefix = message.stat_prefix();
  config.cluster_by_server_name = context.cluster_by_server_name;
  compileTargets(message, context, config);
  if (message.has_idle_timeout()) config.idle_timeout = durationOf(message.idle_timeout());
  if (message.has_max_connect_attempts()) config.max_connect_attempts = message.max_connect_attempts().value();
  if (message.has_max_downstream_connection_duration()) {
    config.max_connection_duration = durationOf(message.max_downstream_connection_duration());
  }
  if (message.has_tunneling_config()) {
    config.tunnel = compileTunnel(message.tunneling_config(), context.diagnostics, context.path.at("tunneling_config"));
  }
  config.access_logs = compileAccessLogs(message.access_log(), context, context.path);
  if (context.diagnostics.errors() != errors_before) return nullptr;
  return std::make_unique<proxy::TcpProxyFactory>(std::move(config), context.stats);
}

}  // namespace

proxy::SessionType tcpProxyType() {
  return {std::string(TcpProxy::descriptor()->full_name()), "envoy.filters.network.tcp_proxy", make};
}

}  // namespace weir::extensions::tcp_proxy
