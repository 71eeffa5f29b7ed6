#include "source/extensions/filters/network/http_connection_manager/http_connection_manager.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "envoy/extensions/filters/http/router/v3/router.pb.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "source/extensions/access_loggers/access_log_config.h"
#include "source/extensions/filters/network/http_connection_manager/http_filters.h"
#include "source/extensions/filters/network/http_connection_manager/local_reply.h"
#include "source/extensions/matchers/compile_matchers.h"
#include "source/extensions/messages/duration.h"
#include "source/extensions/protocols/compile_http2.h"
#include "source/extensions/routes/compile_routes.h"
#include "source/proxy/http_connection_manager.h"

namespace weir::extensions::http_connection_manager {
namespace {

using envoy::config::core::v3::HttpProtocolOptions;
using envoy::extensions::filters::http::router::v3::Router;
using envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
using proxy::HttpConnectionManagerConfig;

void compileProtocol(const HttpConnectionManager& message, const proxy::SessionContext& context,
                     HttpConnectionManagerConfig& config) {
  switch (message.codec_type()) {
    case HttpConnectionManager::AUTO:
      config.protocol = proxy::DownstreamProtocol::kAuto;
      break;
    case HttpConnectionManager::HTTP1:
      config.protocol = proxy::DownstreamProtocol::kHttp1;
      break;
    case HttpConnectionManager::HTTP2:
      config.protocol = proxy::DownstreamProtocol::kHttp2;
      break;
    default:
      context.diagnostics.error(context.path.at("codec_type"),
                                absl::StrCat(HttpConnectionManager::CodecType_Name(message.codec_type()),
                                             " is not implemented by weir; allowed: AUTO, HTTP1, HTTP2"));
  }
}

void compileHttp1(const HttpConnectionManager& message, const proxy::SessionContext& context,
                  HttpConnectionManagerConfig& config) {
  const auto& h1 = message.http_protocol_options();
  const base::FieldPath path = context.path.at("http_protocol_options");
  for (int i = 0; i < h1.ignore_http_11_upgrade_size(); ++i) {
    auto matcher = compileStringMatcher(h1.ignore_http_11_upgrade(i), context.diagnostics,
                                        path.at("ignore_http_11_upgrade", static_cast<size_t>(i)));
    if (matcher) config.ignored_upgrades.push_back(*std::move(matcher));
  }
  config.h1.accept_http_10 = h1.accept_http_10();
  config.h1.default_host_for_http_10 = h1.default_host_for_http_10();
  config.h1.enable_trailers = h1.enable_trailers();
  if (h1.has_allow_absolute_url()) config.h1.allow_absolute_url = h1.allow_absolute_url().value();
  if (message.has_max_request_headers_kb()) {
    config.h1.limits.head_bytes = size_t{message.max_request_headers_kb().value()} * 1024;
    config.h1.limits.request_line_bytes = std::min(config.h1.limits.request_line_bytes, config.h1.limits.head_bytes);
  }
}

// After the common options, whose limits hold for both protocols.
void compileHttp2Options(const HttpConnectionManager& message, const proxy::SessionContext& context,
                         HttpConnectionManagerConfig& config) {
  Http2Settings settings;
  const base::FieldPath path = context.path.at("http2_protocol_options");
  compileHttp2(message.http2_protocol_options(), http::Role::kServer, settings, context.diagnostics, path);
  config.h2 = settings.options;
  config.h2.limits.head_bytes = static_cast<uint32_t>(config.h1.limits.head_bytes);
  config.h2.limits.path_bytes = std::min(config.h2.limits.path_bytes, config.h2.limits.head_bytes);
  config.h2.limits.head_fields = config.h1.limits.head_fields;
  config.h2.underscores = config.h1.underscores;
  config.h2_keepalive = settings.keepalive;
  if (settings.keepalive && settings.keepalive->idle_interval > absl::ZeroDuration()) {
    context.diagnostics.warning(path.at("connection_keepalive").at("connection_idle_interval"),
                                "has no effect here: a request that comes is a sign of life; clusters have it too");
  }
  const bool only_http1 = config.protocol == proxy::DownstreamProtocol::kHttp1;
  if (only_http1 && message.has_http2_protocol_options()) {
    context.diagnostics.warning(path, "has no effect: codec_type is HTTP1");
  }
}

void compileCommonOptions(const HttpProtocolOptions& options, const proxy::SessionContext& context,
                          HttpConnectionManagerConfig& config) {
  if (options.has_idle_timeout()) config.idle_timeout = durationOf(options.idle_timeout());
  if (options.has_max_headers_count()) config.h1.limits.head_fields = options.max_headers_count().value();
  if (options.has_max_connection_duration()) {
    config.max_connection_duration = durationOf(options.max_connection_duration());
  }
  if (options.has_max_stream_duration()) config.max_stream_duration = durationOf(options.max_stream_duration());
  if (options.has_max_requests_per_connection()) {
    config.max_requests_per_connection = options.max_requests_per_connection().value();
  }
  if (options.has_max_response_headers_kb()) {
    context.diagnostics.warning(context.path.at("common_http_protocol_options").at("max_response_headers_kb"),
                                "has no effect here: weir reads responses from clusters, which have it too");
  }
  switch (options.headers_with_underscores_action()) {
    case HttpProtocolOptions::REJECT_REQUEST:
      config.h1.underscores = http::h1::UnderscoreAction::kReject;
      break;
    case HttpProtocolOptions::DROP_HEADER:
      config.h1.underscores = http::h1::UnderscoreAction::kDrop;
      break;
    default:
      config.h1.underscores = http::h1::UnderscoreAction::kAllow;
  }
}

void compileTimeouts(const HttpConnectionManager& message, HttpConnectionManagerConfig& config) {
  if (message.has_drain_timeout()) config.drain_timeout = durationOf(message.drain_timeout());
  if (message.has_stream_idle_timeout()) config.stream_idle_timeout = durationOf(message.stream_idle_timeout());
  if (message.has_delayed_close_timeout()) config.delayed_close_timeout = durationOf(message.delayed_close_timeout());
  if (message.has_request_timeout()) config.request_timeout = durationOf(message.request_timeout());
  if (message.has_request_headers_timeout()) {
    config.request_headers_timeout = durationOf(message.request_headers_timeout());
  }
}

http::EscapedSlashes escapedSlashes(HttpConnectionManager::PathWithEscapedSlashesAction action) {
  switch (action) {
    case HttpConnectionManager::REJECT_REQUEST:
      return http::EscapedSlashes::kReject;
    case HttpConnectionManager::UNESCAPE_AND_REDIRECT:
      return http::EscapedSlashes::kUnescapeAndRedirect;
    case HttpConnectionManager::UNESCAPE_AND_FORWARD:
      return http::EscapedSlashes::kUnescapeAndForward;
    default:
      return http::EscapedSlashes::kKeep;
  }
}

void compileRequest(const HttpConnectionManager& message, proxy::RequestOptions& request) {
  request.use_remote_address = message.use_remote_address().value();
  request.xff_num_trusted_hops = message.xff_num_trusted_hops();
  request.skip_xff_append = message.skip_xff_append();
  request.append_x_forwarded_port = message.append_x_forwarded_port();
  if (message.has_generate_request_id()) request.generate_request_id = message.generate_request_id().value();
  request.preserve_external_request_id = message.preserve_external_request_id();
  request.strip_matching_host_port = message.strip_matching_host_port();
  request.strip_any_host_port = message.strip_any_host_port();
  request.strip_trailing_host_dot = message.strip_trailing_host_dot();
  const std::string& always = message.scheme_header_transformation().scheme_to_overwrite();
  if (!always.empty()) request.scheme_always = always == "https" ? "https" : "http";
  request.via = message.via();
  if (message.has_normalize_path()) request.path.normalize = message.normalize_path().value();
  request.path.merge_slashes = message.merge_slashes();
  request.path.escaped_slashes = escapedSlashes(message.path_with_escaped_slashes_action());
}

void compileClientCertificate(const HttpConnectionManager& message, const proxy::SessionContext& context,
                              proxy::ClientCertificateOptions& options) {
  using Forward = proxy::ClientCertificateOptions::Forward;
  switch (message.forward_client_cert_details()) {
    case HttpConnectionManager::FORWARD_ONLY:
      options.forward = Forward::kForwardOnly;
      break;
    case HttpConnectionManager::APPEND_FORWARD:
      options.forward = Forward::kAppendForward;
      break;
    case HttpConnectionManager::SANITIZE_SET:
      options.forward = Forward::kSanitizeSet;
      break;
    case HttpConnectionManager::ALWAYS_FORWARD_ONLY:
      options.forward = Forward::kAlwaysForwardOnly;
      break;
    default:
      options.forward = Forward::kSanitize;
  }
  const auto& details = message.set_current_client_cert_details();
  options.subject = details.subject().value();
  options.cert = details.cert();
  options.chain = details.chain();
  options.dns = details.dns();
  options.uri = details.uri();
  if (message.has_set_current_client_cert_details() && !options.wantsElement()) {
    context.diagnostics.warning(context.path.at("set_current_client_cert_details"),
                                "has no effect; it belongs to forward_client_cert_details APPEND_FORWARD and "
                                "SANITIZE_SET");
  }
}

void compileResponse(const HttpConnectionManager& message, HttpConnectionManagerConfig& config) {
  if (!message.server_name().empty()) config.server_name = message.server_name();
  switch (message.server_header_transformation()) {
    case HttpConnectionManager::APPEND_IF_ABSENT:
      config.server_header = proxy::ServerHeader::kAppendIfAbsent;
      break;
    case HttpConnectionManager::PASS_THROUGH:
      config.server_header = proxy::ServerHeader::kPassThrough;
      break;
    default:
      config.server_header = proxy::ServerHeader::kOverwrite;
  }
  const auto& scheme = message.scheme_header_transformation();
  config.scheme_of_upstream = scheme.match_upstream() && scheme.scheme_to_overwrite().empty();
  config.closes_with_response = message.http1_safe_max_connection_duration();
  config.always_set_request_id_in_response = message.always_set_request_id_in_response();
}

void compileUpgrades(const HttpConnectionManager& message, const proxy::SessionContext& context,
                     HttpConnectionManagerConfig& config) {
  for (int i = 0; i < message.upgrade_configs_size(); ++i) {
    const auto& upgrade = message.upgrade_configs(i);
    const base::FieldPath entry = context.path.at("upgrade_configs", static_cast<size_t>(i));
    const base::FieldPath path = entry.at("upgrade_type");
    const std::string token = absl::AsciiStrToLower(upgrade.upgrade_type());
    if (token.empty()) context.diagnostics.error(path, "no type; allowed: a protocol such as websocket, or CONNECT");
    for (const auto& [known, allowed] : config.upgrades) {
      if (known != token) continue;
      context.diagnostics.error(path, absl::StrCat("\"", token, "\" stands twice; allowed: each type once"));
      break;
    }
    config.upgrades.emplace_back(token, !upgrade.has_enabled() || upgrade.enabled().value());
  }
}

void compileInternalAddresses(const HttpConnectionManager& message, const proxy::SessionContext& context,
                              proxy::RequestOptions& request) {
  const auto& internal = message.internal_address_config();
  request.internal_unix_sockets = internal.unix_sockets();
  for (int i = 0; i < internal.cidr_ranges_size(); ++i) {
    const auto& range = internal.cidr_ranges(i);
    auto parsed = net::CidrRange::parse(range.address_prefix(), range.prefix_len().value());
    if (parsed.ok()) {
      request.internal_ranges.push_back(*std::move(parsed));
    } else {
      context.diagnostics.error(context.path.at("internal_address_config").at("cidr_ranges", static_cast<size_t>(i)),
                                std::string(parsed.status().message()));
    }
  }
}

void addCluster(const proxy::Route& route, std::vector<std::string>& clusters) {
  for (const proxy::Route::Choice& choice : route.choices) addCluster(*choice.route, clusters);
  const auto* const forward = std::get_if<proxy::ForwardAction>(&route.action);
  if (forward == nullptr || forward->cluster.empty()) return;
  if (std::find(clusters.begin(), clusters.end(), forward->cluster) == clusters.end()) {
    clusters.push_back(forward->cluster);
  }
}

std::vector<std::string> clustersOf(const proxy::RouteTable& routes) {
  std::vector<std::string> clusters;
  for (const auto& host : routes.hosts) {
    for (const auto& [match, route] : host->routes) addCluster(*route, clusters);
  }
  return clusters;
}

// The filters whose times the logs write down. Routes are compiled before, against the filters themselves.
void timeFilters(const HttpConnectionManager& message, const std::vector<std::unique_ptr<filter::AccessLog>>& logs,
                 const proxy::SessionContext& context, filter::HttpChainConfig& chain) {
  filter::FilterTimesWanted wanted;
  for (const auto& log : logs) log->wantFilterTimes(wanted);
  if (wanted.none()) return;
  std::vector<std::string> known;
  for (size_t i = 0; i < chain.size(); ++i) known.push_back(absl::StrCat("\"", chain.slot(i).name, "\""));
  for (const std::string& name : chain.time(wanted, context.stats, message.stat_prefix())) {
    context.diagnostics.error(
        context.path.at("access_log"),
        absl::StrCat("%FILTER_DURATION(", name, ")% is of no filter here; allowed: ",
                     known.empty() ? "none, as the router is the only filter" : absl::StrJoin(known, ", ")));
  }
}

std::unique_ptr<proxy::SessionFactory> make(const google::protobuf::Message& generic,
                                            const proxy::SessionContext& context) {
  const auto& message = *google::protobuf::DynamicCastToGenerated<const HttpConnectionManager>(&generic);
  const size_t errors_before = context.diagnostics.errors();
  auto config = std::make_unique<HttpConnectionManagerConfig>();
  config->stat_prefix = message.stat_prefix();
  compileProtocol(message, context, *config);
  config->listener = context.listener;
  compileHttp1(message, context, *config);
  compileCommonOptions(message.common_http_protocol_options(), context, *config);
  compileHttp2Options(message, context, *config);
  compileTimeouts(message, *config);
  compileRequest(message, config->request);
  compileClientCertificate(message, context, config->client_certificate);
  compileResponse(message, *config);
  compileUpgrades(message, context, *config);
  compileInternalAddresses(message, context, config->request);
  config->local_replies = compileLocalReplies(message, context);
  config->proxy_status = compileProxyStatus(message, context);
  HttpFilters filters = compileHttpFilters(message, context);
  if (const auto* router = google::protobuf::DynamicCastToGenerated<const Router>(filters.terminal.get())) {
    config->suppress_envoy_headers = router->suppress_envoy_headers();
    config->counts_responses = !router->has_dynamic_stats() || router->dynamic_stats().value();
    config->respect_expected_rq_timeout = router->respect_expected_rq_timeout();
  }
  if (message.has_route_config()) {
    const RouteContext routes{context.stats,         context.diagnostics,     context.clock,
                              context.http_filters,  *filters.chain,          filters.slot_types,
                              message.stat_prefix(), context.cluster_problem, context.schema_only};
    config->routes = compileRoutes(message.route_config(), routes, context.path.at("route_config"));
  } else {
    context.diagnostics.error(context.path, "no routes; allowed: route_config");
  }
  config->access_logs = compileAccessLogs(message.access_log(), context, context.path);
  timeFilters(message, config->access_logs, context, *filters.chain);
  if (context.diagnostics.errors() != errors_before) return nullptr;
  config->filters = std::move(filters.chain);
  config->stats = proxy::HttpStats::make(context.stats, message.stat_prefix());
  std::vector<std::string> clusters = clustersOf(*config->routes);
  return std::make_unique<proxy::HttpConnectionManagerFactory>(std::move(config), std::move(clusters));
}

}  // namespace

proxy::SessionType httpConnectionManagerType() {
  return {std::string(HttpConnectionManager::descriptor()->full_name()),
          "envoy.filters.network.http_connection_manager", make};
}

}  // namespace weir::extensions::http_connection_manager
