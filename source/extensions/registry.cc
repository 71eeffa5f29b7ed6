#include "source/extensions/registry.h"

#include <utility>

#include "source/base/check.h"
#include "source/extensions/access_loggers/file/config.h"
#include "source/extensions/access_loggers/filter_times/config.h"
#include "source/extensions/access_loggers/stream/config.h"
#include "source/extensions/filters/http/buffer/buffer.h"
#include "source/extensions/filters/http/compressor/compressor.h"
#include "source/extensions/filters/http/cors/cors.h"
#include "source/extensions/filters/http/csrf/csrf.h"
#include "source/extensions/filters/http/decompressor/decompressor.h"
#include "source/extensions/filters/http/dynamic_forward_proxy/dynamic_forward_proxy.h"
#include "source/extensions/filters/http/ext_authz/ext_authz.h"
#include "source/extensions/filters/http/fault/fault.h"
#include "source/extensions/filters/http/grpc_stats/grpc_stats.h"
#include "source/extensions/filters/http/grpc_web/grpc_web.h"
#include "source/extensions/filters/http/header_mutation/header_mutation.h"
#include "source/extensions/filters/http/header_to_metadata/header_to_metadata.h"
#include "source/extensions/filters/http/health_check/health_check.h"
#include "source/extensions/filters/http/local_ratelimit/local_ratelimit.h"
#include "source/extensions/filters/http/plugin/plugin.h"
#include "source/extensions/filters/http/rbac/rbac.h"
#include "source/extensions/filters/http/set_metadata/set_metadata.h"
#include "source/extensions/filters/network/connection_limit/connection_limit.h"
#include "source/extensions/filters/network/direct_response/direct_response.h"
#include "source/extensions/filters/network/echo/echo.h"
#include "source/extensions/filters/network/http_connection_manager/http_connection_manager.h"
#include "source/extensions/filters/network/local_ratelimit/local_ratelimit.h"
#include "source/extensions/filters/network/plugin/plugin.h"
#include "source/extensions/filters/network/rbac/rbac.h"
#include "source/extensions/filters/network/sni_cluster/sni_cluster.h"
#include "source/extensions/filters/network/tcp_proxy/tcp_proxy_config.h"
#include "source/extensions/listener_filters/http_inspector/http_inspector.h"
#include "source/extensions/listener_filters/original_dst/original_dst.h"
#include "source/extensions/listener_filters/proxy_protocol/proxy_protocol.h"
#include "source/extensions/listener_filters/tls_inspector/tls_inspector.h"

namespace weir::extensions {
namespace {

// The router ends every chain of HTTP filters; the connection manager compiles its configuration itself.
filter::HttpFilterType routerType() {
  filter::HttpFilterType type;
  type.config_type = "envoy.extensions.filters.http.router.v3.Router";
  type.usual_name = "envoy.filters.http.router";
  type.terminal = true;
  return type;
}

void addHttpFilters(Registry& registry) {
  const auto http = [&registry](filter::HttpFilterType type) {
    CHECK(registry.http_filters.add(std::move(type)).ok(), "each message belongs to one filter");
  };
  http(buffer_filter::bufferType());
  http(compressor::compressorType());
  http(cors::corsType());
  http(csrf::csrfType());
  http(decompressor::decompressorType());
  http(dynamic_forward_proxy::dynamicForwardProxyType());
  http(ext_authz::extAuthzType());
  http(fault::faultType());
  http(grpc_stats::grpcStatsType());
  http(grpc_web::grpcWebType());
  http(header_mutation::headerMutationType());
  http(header_to_metadata::headerToMetadataType());
  http(health_check::healthCheckType());
  http(http_rbac::rbacType());
  http(local_ratelimit::localRatelimitType());
  http(plugin_filter::pluginType(*registry.plugins));
  http(set_metadata::setMetadataType());
  http(routerType());
}

}  // namespace

std::unique_ptr<const Registry> makeRegistry(plugins::Setup setup) {
  auto registry = std::make_unique<Registry>();
  registry->plugins = std::make_unique<plugins::Catalogue>(std::move(setup));
  const auto terminal = [&registry](proxy::SessionType type) {
    registry->network_filter_types.push_back(type.config_type);
    CHECK(registry->sessions.add(std::move(type)).ok(), "each message belongs to one filter");
  };
  const auto network = [&registry](filter::NetworkFilterType type) {
    registry->network_filter_types.push_back(type.config_type);
    CHECK(registry->network_filters.add(std::move(type)).ok(), "each message belongs to one filter");
  };
  const auto log = [&registry](proxy::AccessLogType type) {
    CHECK(registry->access_logs.add(std::move(type)).ok(), "each message belongs to one logger");
  };

  addHttpFilters(*registry);

  network(network_plugin::pluginType(*registry->plugins));
  network(connection_limit::connectionLimitType());
  network(network_local_ratelimit::localRatelimitType());
  network(network_rbac::rbacType());
  network(sni_cluster::sniClusterType());

  terminal(direct_response::directResponseType());
  terminal(echo::echoType());
  terminal(http_connection_manager::httpConnectionManagerType());
  terminal(tcp_proxy::tcpProxyType());

  const auto listener = [&registry](proxy::ListenerFilterType type) {
    CHECK(registry->listener_filters.add(std::move(type)).ok(), "each message belongs to one filter");
  };
  listener(http_inspector::httpInspectorType());
  listener(original_dst::originalDstType());
  listener(proxy_protocol::proxyProtocolType());
  listener(tls_inspector::tlsInspectorType());

  log(file_access_log::type());
  log(filter_times_log::type());
  log(stream_access_log::stderrType());
  log(stream_access_log::stdoutType());
  return registry;
}

}  // namespace weir::extensions
