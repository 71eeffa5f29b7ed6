#include "source/config/linked_types.h"

#include <algorithm>
#include <string>

#include "envoy/config/accesslog/v3/accesslog.pb.h"
#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/cluster/v3/outlier_detection.pb.h"
#include "envoy/config/common/mutation_rules/v3/mutation_rules.pb.h"
#include "envoy/config/core/v3/core.pb.h"
#include "envoy/config/core/v3/health_check.pb.h"
#include "envoy/config/core/v3/proxy_protocol.pb.h"
#include "envoy/config/core/v3/upstream_http.pb.h"
#include "envoy/config/endpoint/v3/endpoint.pb.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "envoy/config/overload/v3/overload.pb.h"
#include "envoy/config/rbac/v3/rbac.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "envoy/extensions/access_loggers/file/v3/file.pb.h"
#include "envoy/extensions/access_loggers/stream/v3/stream.pb.h"
#include "envoy/extensions/clusters/aggregate/v3/cluster.pb.h"
#include "envoy/extensions/clusters/common/dns/v3/dns.pb.h"
#include "envoy/extensions/clusters/dns/v3/dns_cluster.pb.h"
#include "envoy/extensions/clusters/dynamic_forward_proxy/v3/cluster.pb.h"
#include "envoy/extensions/common/dynamic_forward_proxy/v3/dns_cache.pb.h"
#include "envoy/extensions/common/ratelimit/v3/ratelimit.pb.h"
#include "envoy/extensions/compression/brotli/compressor/v3/brotli.pb.h"
#include "envoy/extensions/compression/gzip/compressor/v3/gzip.pb.h"
#include "envoy/extensions/compression/gzip/decompressor/v3/gzip.pb.h"
#include "envoy/extensions/compression/zstd/compressor/v3/zstd.pb.h"
#include "envoy/extensions/filters/common/fault/v3/fault.pb.h"
#include "envoy/extensions/filters/http/buffer/v3/buffer.pb.h"
#include "envoy/extensions/filters/http/compressor/v3/compressor.pb.h"
#include "envoy/extensions/filters/http/cors/v3/cors.pb.h"
#include "envoy/extensions/filters/http/csrf/v3/csrf.pb.h"
#include "envoy/extensions/filters/http/decompressor/v3/decompressor.pb.h"
#include "envoy/extensions/filters/http/dynamic_forward_proxy/v3/dynamic_forward_proxy.pb.h"
#include "envoy/extensions/filters/http/ext_authz/v3/ext_authz.pb.h"
#include "envoy/extensions/filters/http/fault/v3/fault.pb.h"
#include "envoy/extensions/filters/http/grpc_stats/v3/grpc_stats.pb.h"
#include "envoy/extensions/filters/http/grpc_web/v3/grpc_web.pb.h"
#include "envoy/extensions/filters/http/header_mutation/v3/header_mutation.pb.h"
#include "envoy/extensions/filters/http/header_to_metadata/v3/header_to_metadata.pb.h"
#include "envoy/extensions/filters/http/health_check/v3/health_check.pb.h"
#include "envoy/extensions/filters/http/local_ratelimit/v3/local_ratelimit.pb.h"
#include "envoy/extensions/filters/http/rbac/v3/rbac.pb.h"
#include "envoy/extensions/filters/http/router/v3/router.pb.h"
#include "envoy/extensions/filters/http/set_metadata/v3/set_metadata.pb.h"
#include "envoy/extensions/filters/http/upstream_codec/v3/upstream_codec.pb.h"
#include "envoy/extensions/filters/listener/http_inspector/v3/http_inspector.pb.h"
#include "envoy/extensions/filters/listener/original_dst/v3/original_dst.pb.h"
#include "envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol.pb.h"
#include "envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector.pb.h"
#include "envoy/extensions/filters/network/connection_limit/v3/connection_limit.pb.h"
#include "envoy/extensions/filters/network/direct_response/v3/direct_response.pb.h"
#include "envoy/extensions/filters/network/echo/v3/echo.pb.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "envoy/extensions/filters/network/local_ratelimit/v3/local_ratelimit.pb.h"
#include "envoy/extensions/filters/network/rbac/v3/rbac.pb.h"
#include "envoy/extensions/filters/network/sni_cluster/v3/sni_cluster.pb.h"
#include "envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.pb.h"
#include "envoy/extensions/health_check/event_sinks/file/v3/file.pb.h"
#include "envoy/extensions/internal_redirect/allow_listed_routes/v3/allow_listed_routes_config.pb.h"
#include "envoy/extensions/internal_redirect/previous_routes/v3/previous_routes_config.pb.h"
#include "envoy/extensions/internal_redirect/safe_cross_scheme/v3/safe_cross_scheme_config.pb.h"
#include "envoy/extensions/load_balancing_policies/common/v3/common.pb.h"
#include "envoy/extensions/load_balancing_policies/least_request/v3/least_request.pb.h"
#include "envoy/extensions/load_balancing_policies/maglev/v3/maglev.pb.h"
#include "envoy/extensions/load_balancing_policies/override_host/v3/override_host.pb.h"
#include "envoy/extensions/load_balancing_policies/pick_first/v3/pick_first.pb.h"
#include "envoy/extensions/load_balancing_policies/random/v3/random.pb.h"
#include "envoy/extensions/load_balancing_policies/ring_hash/v3/ring_hash.pb.h"
#include "envoy/extensions/load_balancing_policies/round_robin/v3/round_robin.pb.h"
#include "envoy/extensions/load_balancing_policies/subset/v3/subset.pb.h"
#include "envoy/extensions/load_balancing_policies/wrr_locality/v3/wrr_locality.pb.h"
#include "envoy/extensions/matching/common_inputs/network/v3/network_inputs.pb.h"
#include "envoy/extensions/matching/common_inputs/ssl/v3/ssl_inputs.pb.h"
#include "envoy/extensions/matching/input_matchers/ip/v3/ip.pb.h"
#include "envoy/extensions/network/dns_resolver/cares/v3/cares.pb.h"
#include "envoy/extensions/path/match/uri_template/v3/uri_template.pb.h"
#include "envoy/extensions/path/rewrite/uri_template/v3/uri_template.pb.h"
#include "envoy/extensions/regex_engines/v3/google_re2.pb.h"
#include "envoy/extensions/resource_monitors/downstream_connections/v3/downstream_connections.pb.h"
#include "envoy/extensions/retry/host/omit_host_metadata/v3/omit_host_metadata_config.pb.h"
#include "envoy/extensions/retry/host/previous_hosts/v3/previous_hosts.pb.h"
#include "envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config.pb.h"
#include "envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol.pb.h"
#include "envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/tls.pb.h"
#include "envoy/extensions/upstreams/http/v3/http.pb.h"
#include "envoy/service/discovery/v3/discovery.pb.h"
#include "envoy/type/matcher/v3/matcher.pb.h"
#include "envoy/type/matcher/v3/metadata.pb.h"
#include "envoy/type/v3/http.pb.h"
#include "envoy/type/v3/range.pb.h"
#include "envoy/type/v3/type.pb.h"
#include "udpa/type/v1/type.pb.h"
#include "weir/extensions/access_loggers/filter_times/v1/filter_times.pb.h"
#include "weir/extensions/filters/http/plugin/v1/plugin.pb.h"
#include "weir/extensions/filters/network/plugin/v1/plugin.pb.h"
#include "weir/extensions/load_balancing_policies/peak_ewma/v1/peak_ewma.pb.h"
#include "weir/extensions/upstreams/pending_requests/v1/pending_requests.pb.h"
#include "xds/core/v3/core.pb.h"
#include "xds/type/matcher/v3/matcher.pb.h"
#include "xds/type/v3/type.pb.h"

namespace weir::config {

namespace {

std::vector<const google::protobuf::FileDescriptor*> policyFiles() {
  return {
      ::weir::extensions::load_balancing_policies::peak_ewma::v1::PeakEwma::descriptor()->file(),
      envoy::extensions::retry::host::omit_host_metadata::v3::OmitHostMetadataConfig::descriptor()->file(),
      ::weir::extensions::upstreams::pending_requests::v1::PendingRequests::descriptor()->file(),
      envoy::extensions::retry::host::previous_hosts::v3::PreviousHostsPredicate::descriptor()->file(),
      envoy::extensions::retry::priority::previous_priorities::v3::PreviousPrioritiesConfig::descriptor()->file(),
      envoy::extensions::internal_redirect::allow_listed_routes::v3::AllowListedRoutesConfig::descriptor()->file(),
      envoy::extensions::internal_redirect::safe_cross_scheme::v3::SafeCrossSchemeConfig::descriptor()->file(),
      envoy::extensions::internal_redirect::previous_routes::v3::PreviousRoutesConfig::descriptor()->file(),
      envoy::extensions::load_balancing_policies::override_host::v3::OverrideHost::descriptor()->file(),
      envoy::extensions::load_balancing_policies::pick_first::v3::PickFirst::descriptor()->file(),
      envoy::extensions::health_check::event_sinks::file::v3::HealthCheckEventFileSink::descriptor()->file(),
      envoy::extensions::load_balancing_policies::random::v3::Random::descriptor()->file(),
      envoy::extensions::load_balancing_policies::common::v3::LocalityLbConfig::descriptor()->file(),
      envoy::extensions::load_balancing_policies::subset::v3::Subset::descriptor()->file(),
      envoy::extensions::load_balancing_policies::wrr_locality::v3::WrrLocality::descriptor()->file(),
      envoy::extensions::load_balancing_policies::least_request::v3::LeastRequest::descriptor()->file(),
      envoy::extensions::load_balancing_policies::ring_hash::v3::RingHash::descriptor()->file(),
      envoy::extensions::load_balancing_policies::maglev::v3::Maglev::descriptor()->file(),
      envoy::extensions::load_balancing_policies::round_robin::v3::RoundRobin::descriptor()->file(),
  };
}

std::vector<const google::protobuf::FileDescriptor*> filterFiles() {
  return {
      envoy::extensions::filters::common::fault::v3::FaultDelay::descriptor()->file(),
      envoy::extensions::filters::http::buffer::v3::Buffer::descriptor()->file(),
      envoy::extensions::filters::http::compressor::v3::Compressor::descriptor()->file(),
      envoy::extensions::filters::http::cors::v3::Cors::descriptor()->file(),
      envoy::extensions::filters::http::csrf::v3::CsrfPolicy::descriptor()->file(),
      envoy::extensions::filters::http::decompressor::v3::Decompressor::descriptor()->file(),
      envoy::extensions::filters::http::dynamic_forward_proxy::v3::FilterConfig::descriptor()->file(),
      envoy::extensions::filters::http::ext_authz::v3::ExtAuthz::descriptor()->file(),
      envoy::extensions::filters::http::fault::v3::FaultAbort::descriptor()->file(),
      envoy::extensions::filters::http::grpc_stats::v3::FilterConfig::descriptor()->file(),
      envoy::extensions::filters::http::grpc_web::v3::GrpcWeb::descriptor()->file(),
      envoy::extensions::filters::http::header_mutation::v3::Mutations::descriptor()->file(),
      envoy::extensions::filters::http::header_to_metadata::v3::Config::descriptor()->file(),
      envoy::extensions::filters::http::health_check::v3::HealthCheck::descriptor()->file(),
      envoy::extensions::filters::http::local_ratelimit::v3::LocalRateLimit::descriptor()->file(),
      envoy::extensions::filters::http::rbac::v3::RBAC::descriptor()->file(),
      envoy::extensions::filters::http::router::v3::Router::descriptor()->file(),
      envoy::extensions::filters::http::set_metadata::v3::Config::descriptor()->file(),
      envoy::extensions::filters::http::upstream_codec::v3::UpstreamCodec::descriptor()->file(),
      envoy::extensions::filters::listener::http_inspector::v3::HttpInspector::descriptor()->file(),
      envoy::extensions::filters::listener::original_dst::v3::OriginalDst::descriptor()->file(),
      envoy::extensions::filters::listener::proxy_protocol::v3::ProxyProtocol::descriptor()->file(),
      envoy::extensions::filters::listener::tls_inspector::v3::TlsInspector::descriptor()->file(),
      envoy::extensions::filters::network::direct_response::v3::Config::descriptor()->file(),
      envoy::extensions::filters::network::echo::v3::Echo::descriptor()->file(),
      envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager::descriptor()->file(),
      envoy::extensions::filters::network::connection_limit::v3::ConnectionLimit::descriptor()->file(),
      envoy::extensions::filters::network::local_ratelimit::v3::LocalRateLimit::descriptor()->file(),
      envoy::extensions::filters::network::rbac::v3::RBAC::descriptor()->file(),
      envoy::extensions::filters::network::sni_cluster::v3::SniCluster::descriptor()->file(),
      envoy::extensions::filters::network::tcp_proxy::v3::TcpProxy::descriptor()->file(),
  };
}

}  // namespace

std::vector<const google::protobuf::FileDescriptor*> linkedFiles() {
  std::vector<const google::protobuf::FileDescriptor*> files = {
      envoy::config::accesslog::v3::AccessLog::descriptor()->file(),
      envoy::config::bootstrap::v3::Admin::descriptor()->file(),
      envoy::config::cluster::v3::CircuitBreakers::descriptor()->file(),
      envoy::config::cluster::v3::OutlierDetection::descriptor()->file(),
      envoy::config::common::mutation_rules::v3::HeaderMutation::descriptor()->file(),
      envoy::config::core::v3::Node::descriptor()->file(),
      envoy::config::core::v3::HealthCheck::descriptor()->file(),
      envoy::config::core::v3::ProxyProtocolConfig::descriptor()->file(),
      envoy::config::core::v3::UpstreamHttpProtocolOptions::descriptor()->file(),
      envoy::config::endpoint::v3::Endpoint::descriptor()->file(),
      envoy::config::listener::v3::Filter::descriptor()->file(),
      envoy::config::overload::v3::OverloadManager::descriptor()->file(),
      envoy::extensions::regex_engines::v3::GoogleRE2::descriptor()->file(),
      envoy::extensions::resource_monitors::downstream_connections::v3::DownstreamConnectionsConfig::descriptor()
          ->file(),
      envoy::config::rbac::v3::RBAC::descriptor()->file(),
      envoy::config::route::v3::RouteConfiguration::descriptor()->file(),
      envoy::extensions::access_loggers::file::v3::FileAccessLog::descriptor()->file(),
      envoy::extensions::access_loggers::stream::v3::StdoutAccessLog::descriptor()->file(),
      envoy::extensions::clusters::common::dns::v3::DnsLookupFamily_descriptor()->file(),
      envoy::extensions::clusters::dns::v3::DnsCluster::descriptor()->file(),
      envoy::extensions::clusters::aggregate::v3::ClusterConfig::descriptor()->file(),
      envoy::extensions::clusters::dynamic_forward_proxy::v3::ClusterConfig::descriptor()->file(),
      envoy::extensions::common::dynamic_forward_proxy::v3::DnsCacheConfig::descriptor()->file(),
      envoy::extensions::common::ratelimit::v3::XRateLimitHeadersRFCVersion_descriptor()->file(),
      envoy::extensions::compression::brotli::compressor::v3::Brotli::descriptor()->file(),
      envoy::extensions::compression::gzip::compressor::v3::Gzip::descriptor()->file(),
      envoy::extensions::compression::gzip::decompressor::v3::Gzip::descriptor()->file(),
      envoy::extensions::compression::zstd::compressor::v3::Zstd::descriptor()->file(),
      envoy::extensions::network::dns_resolver::cares::v3::CaresDnsResolverConfig::descriptor()->file(),
      envoy::extensions::path::match::uri_template::v3::UriTemplateMatchConfig::descriptor()->file(),
      envoy::extensions::path::rewrite::uri_template::v3::UriTemplateRewriteConfig::descriptor()->file(),
      envoy::extensions::transport_sockets::proxy_protocol::v3::ProxyProtocolUpstreamTransport::descriptor()->file(),
      envoy::extensions::transport_sockets::raw_buffer::v3::RawBuffer::descriptor()->file(),
      envoy::extensions::transport_sockets::tls::v3::TlsParameters::descriptor()->file(),
      envoy::extensions::upstreams::http::v3::HttpProtocolOptions::descriptor()->file(),
      envoy::service::discovery::v3::DiscoveryResponse::descriptor()->file(),
      envoy::type::matcher::v3::RegexMatcher::descriptor()->file(),
      envoy::type::matcher::v3::MetadataMatcher::descriptor()->file(),
      envoy::type::v3::CodecClientType_descriptor()->file(),
      envoy::type::v3::DoubleRange::descriptor()->file(),
      envoy::type::v3::Percent::descriptor()->file(),
      udpa::type::v1::TypedStruct::descriptor()->file(),
      ::weir::extensions::access_loggers::filter_times::v1::FilterTimes::descriptor()->file(),
      ::weir::extensions::filters::http::plugin::v1::Plugin::descriptor()->file(),
      ::weir::extensions::filters::network::plugin::v1::Plugin::descriptor()->file(),
      xds::core::v3::TypedExtensionConfig::descriptor()->file(),
      xds::type::matcher::v3::Matcher::descriptor()->file(),
      xds::type::v3::TypedStruct::descriptor()->file(),
      envoy::extensions::matching::common_inputs::network::v3::SourceIPInput::descriptor()->file(),
      envoy::extensions::matching::common_inputs::ssl::v3::SubjectInput::descriptor()->file(),
      envoy::extensions::matching::input_matchers::ip::v3::Ip::descriptor()->file(),
  };
  for (const google::protobuf::FileDescriptor* const file : filterFiles()) files.push_back(file);
  for (const google::protobuf::FileDescriptor* const file : policyFiles()) files.push_back(file);
  std::sort(files.begin(), files.end(), [](const auto* a, const auto* b) { return a->package() < b->package(); });
  return files;
}

std::vector<std::string_view> linkedMessages() {
  std::vector<std::string_view> names;
  for (const google::protobuf::FileDescriptor* file : linkedFiles()) {
    for (int i = 0; i < file->message_type_count(); ++i) names.push_back(file->message_type(i)->full_name());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace weir::config
