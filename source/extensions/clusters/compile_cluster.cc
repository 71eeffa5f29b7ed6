#include "source/extensions/clusters/compile_cluster.h"

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/extensions/filters/http/upstream_codec/v3/upstream_codec.pb.h"
#include "envoy/extensions/upstreams/http/v3/http.pb.h"
#include "source/base/strings.h"
#include "source/extensions/clusters/compile_discovery.h"
#include "source/extensions/clusters/compile_lb.h"
#include "source/extensions/clusters/compile_limits.h"
#include "source/extensions/clusters/compile_transports.h"
#include "source/extensions/messages/duration.h"
#include "source/extensions/messages/metadata.h"
#include "source/extensions/messages/unpack_any.h"
#include "source/extensions/protocols/compile_http2.h"
#include "source/extensions/routes/compile_hash_policy.h"
#include "source/upstream/discovery/dns_discovery.h"
#include "weir/extensions/upstreams/pending_requests/v1/pending_requests.pb.h"

namespace weir::extensions {
namespace {

namespace cluster_v3 = envoy::config::cluster::v3;
namespace core_v3 = envoy::config::core::v3;
using HttpOptions = envoy::extensions::upstreams::http::v3::HttpProtocolOptions;
using base::Diagnostics;
using base::FieldPath;
using cluster_v3::Cluster;
using Semantics = upstream::dns::DnsHostsOptions::Semantics;
using ::weir::extensions::upstreams::pending_requests::v1::PendingRequests;

constexpr char kHttpOptionsKey[] = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
// Unless idle_timeout says otherwise.
constexpr absl::Duration kIdleOfOneClient = absl::Minutes(1);
constexpr char kPendingKey[] = "weir.extensions.upstreams.pending_requests.v1.PendingRequests";

void compileKeepAlive(const core_v3::TcpKeepalive& from, upstream::ClusterConfig& config) {
  net::KeepAlive& to = config.keep_alive.emplace();
  if (from.has_keepalive_probes()) to.probes = from.keepalive_probes().value();
  if (from.has_keepalive_time()) to.idle_seconds = from.keepalive_time().value();
  if (from.has_keepalive_interval()) to.interval_seconds = from.keepalive_interval().value();
}

void compileBind(const core_v3::BindConfig& from, upstream::ClusterConfig& config, Diagnostics& diagnostics,
                 const FieldPath& path) {
  if (!from.has_source_address()) return;
  const core_v3::SocketAddress& source = from.source_address();
  auto address = net::Address::parseIp(source.address(), static_cast<uint16_t>(source.port_value()));
  if (address.ok()) {
    config.source = std::make_shared<const net::Address>(*std::move(address));
    return;
  }
  const FieldPath at = path.at("source_address");
  diagnostics.error(at.at("address"),
                    absl::StrCat("\"", source.address(), "\" is not an IP address; allowed: one of this machine"));
}

void compileCommonHttp(const core_v3::HttpProtocolOptions& from, upstream::ClusterConfig& config,
                       Diagnostics& diagnostics, const FieldPath& path) {
  if (from.has_idle_timeout()) config.idle_timeout = durationOf(from.idle_timeout());
  if (from.has_max_connection_duration() && durationOf(from.max_connection_duration()) > absl::ZeroDuration()) {
    config.max_connection_duration = durationOf(from.max_connection_duration());
  }
  if (from.has_max_stream_duration() && durationOf(from.max_stream_duration()) > absl::ZeroDuration()) {
    config.max_stream_duration = durationOf(from.max_stream_duration());
  }
  if (from.has_max_requests_per_connection()) {
    config.max_requests_per_connection = from.max_requests_per_connection().value();
  }
  if (from.has_max_headers_count()) {
    config.h1.limits.head_fields = from.max_headers_count().value();
    config.h2.limits.head_fields = from.max_headers_count().value();
  }
  if (from.has_max_response_headers_kb()) {
    config.h1.limits.head_bytes = size_t{from.max_response_headers_kb().value()} * 1024;
    config.h2.limits.head_bytes = from.max_response_headers_kb().value() * 1024;
  }
  if (from.headers_with_underscores_action() != core_v3::HttpProtocolOptions::ALLOW) {
    diagnostics.warning(path.at("headers_with_underscores_action"),
                        "has no effect in a cluster; it is about the headers of requests that come in");
  }
}

void compileHttp1(const core_v3::Http1ProtocolOptions& from, upstream::ClusterConfig& config, Diagnostics& diagnostics,
                  const FieldPath& path) {
  const char* const kNoEffect = "has no effect in a cluster; it is about requests that come in";
  if (from.has_allow_absolute_url()) diagnostics.warning(path.at("allow_absolute_url"), kNoEffect);
  if (from.accept_http_10()) diagnostics.warning(path.at("accept_http_10"), kNoEffect);
  if (!from.default_host_for_http_10().empty()) {
    diagnostics.warning(path.at("default_host_for_http_10"), kNoEffect);
  }
  if (from.ignore_http_11_upgrade_size() > 0) diagnostics.warning(path.at("ignore_http_11_upgrade"), kNoEffect);
  config.h1.enable_trailers = from.enable_trailers();
}

void compileHttp2(const core_v3::Http2ProtocolOptions& from, upstream::ClusterConfig& config, Diagnostics& diagnostics,
                  const FieldPath& path) {
  Http2Settings settings{config.h2, {}};
  compileHttp2(from, http::Role::kClient, settings, diagnostics, path);
  config.h2 = settings.options;
  config.h2_keepalive = settings.keepalive;
}

// The options of each protocol in a message that has both.
template <typename Choice>
void compileBoth(const Choice& from, upstream::ClusterConfig& config, Diagnostics& diagnostics, const FieldPath& path) {
  if (from.has_http_protocol_options()) {
    compileHttp1(from.http_protocol_options(), config, diagnostics, path.at("http_protocol_options"));
  }
  if (from.has_http2_protocol_options()) {
    compileHttp2(from.http2_protocol_options(), config, diagnostics, path.at("http2_protocol_options"));
  }
}

void compileServerName(const HttpOptions& from, UpstreamUse& use, Diagnostics& diagnostics, const FieldPath& path) {
  const auto& options = from.upstream_http_protocol_options();
  use.server_name_of_request = options.auto_sni();
  use.name_is_checked = options.auto_sni() && options.auto_san_validation();
  if (!options.auto_san_validation() || options.auto_sni()) return;
  diagnostics.warning(path.at("upstream_http_protocol_options"),
                      "auto_san_validation has no effect without auto_sni: the certificate is checked for the name of "
                      "sni, or that of the endpoint");
}

// A cluster's requests go to its codec at once, whether or not it is named.
void compileFilters(const HttpOptions& from, Diagnostics& diagnostics, const FieldPath& path) {
  using envoy::extensions::filters::http::upstream_codec::v3::UpstreamCodec;
  const std::string& codec = UpstreamCodec::descriptor()->full_name();
  for (int i = 0; i < from.http_filters_size(); ++i) {
    const auto& filter = from.http_filters(i);
    const FieldPath at = path.at("http_filters", static_cast<size_t>(i));
    if (!filter.has_typed_config()) {
      diagnostics.error(at.at("typed_config"),
                        absl::StrCat("is missing for \"", filter.name(), "\"; allowed: ", codec));
      continue;
    }
    if (anyType(filter.typed_config()) != codec) {
      diagnostics.error(at.at("typed_config"),
                        absl::StrCat("\"", filter.name(), "\" is a ", base::av(anyType(filter.typed_config())),
                                     "; allowed: ", codec, " alone, other filters belong into those of a listener"));
      continue;
    }
    if (i + 1 < from.http_filters_size()) {
      diagnostics.error(at, absl::StrCat("\"", filter.name(), "\" is not the last; allowed: one codec, at the end"));
    }
    if (filter.disabled()) diagnostics.error(at.at("disabled"), "true for the codec; allowed: false");
  }
}

// `secure`: the connections are TLS, and agree on a protocol.
void compileHttpExtension(const HttpOptions& from, bool secure, upstream::ClusterConfig& config, UpstreamUse& use,
                          Diagnostics& diagnostics, const FieldPath& path) {
  compileServerName(from, use, diagnostics, path);
  compileFilters(from, diagnostics, path);
  // What the balancing policy itself says comes first.
  const std::shared_ptr<const proxy::HashPolicy> hashed = compileHashPolicy(from.hash_policy(), diagnostics, path);
  if (config.lb.hash_policy == nullptr) config.lb.hash_policy = hashed;
  config.server_name_of_request = secure && use.server_name_of_request;
  if (from.has_common_http_protocol_options()) {
    compileCommonHttp(from.common_http_protocol_options(), config, diagnostics,
                      path.at("common_http_protocol_options"));
  }
  switch (from.upstream_protocol_options_case()) {
    case HttpOptions::kExplicitHttpConfig:
      if (from.explicit_http_config().has_http2_protocol_options()) config.protocol = upstream::Protocol::kHttp2;
      compileBoth(from.explicit_http_config(), config, diagnostics, path.at("explicit_http_config"));
      break;
    case HttpOptions::kUseDownstreamProtocolConfig:
      config.protocol = upstream::Protocol::kDownstream;
      compileBoth(from.use_downstream_protocol_config(), config, diagnostics,
                  path.at("use_downstream_protocol_config"));
      break;
    case HttpOptions::kAutoConfig:
      config.protocol = upstream::Protocol::kNegotiated;
      compileBoth(from.auto_config(), config, diagnostics, path.at("auto_config"));
      if (secure) break;
      // The versions are agreed on by ALPN, which is a part of TLS; without it, it is HTTP/1.1.
      config.protocol = upstream::Protocol::kHttp1;
      diagnostics.warning(
          path.at("auto_config"),
          "is HTTP/1.1 here; endpoints can agree to HTTP/2 over TLS only, explicit_http_config asks for "
          "it without");
      break;
    case HttpOptions::UPSTREAM_PROTOCOL_OPTIONS_NOT_SET:
      break;
  }
}

// What connections offer where the transport socket does not say.
std::vector<std::string> usualAlpn(upstream::Protocol protocol) {
  switch (protocol) {
    case upstream::Protocol::kHttp2:
      return {"h2"};
    case upstream::Protocol::kNegotiated:
      return {"h2", "http/1.1"};
    case upstream::Protocol::kHttp1:
    case upstream::Protocol::kDownstream:
      break;
  }
  return {};
}

bool hasOlderHttpFields(const Cluster& message) {
  return message.has_common_http_protocol_options() || message.has_http_protocol_options() ||
         message.has_http2_protocol_options() || message.protocol_selection() != Cluster::USE_CONFIGURED_PROTOCOL;
}

// One of the typed protocol options, as the message that its key names; null after an error. `unpacked` owns it.
template <typename Message>
const Message* optionsOf(const std::unique_ptr<google::protobuf::Message>& unpacked, const char* key,
                         Diagnostics& diagnostics, const FieldPath& at) {
  if (unpacked == nullptr) return nullptr;
  const Message* const options = google::protobuf::DynamicCastToGenerated<const Message>(unpacked.get());
  if (options == nullptr) {
    diagnostics.error(at, absl::StrCat("is a ", unpacked->GetDescriptor()->full_name(), "; allowed: ", key));
  }
  return options;
}

void compileTypedOptions(const Cluster& message, upstream::ClusterConfig& config, UpstreamUse& use,
                         Diagnostics& diagnostics, const FieldPath& path) {
  // A map has no order of its own; errors are to come in the same one every time.
  const std::map<std::string, google::protobuf::Any> sorted(message.typed_extension_protocol_options().begin(),
                                                            message.typed_extension_protocol_options().end());
  for (const auto& [key, any] : sorted) {
    const FieldPath at = path.key(key);
    if (key != kHttpOptionsKey && key != kPendingKey) {
      diagnostics.error(at, absl::StrCat("unknown protocol options; allowed: ", kHttpOptionsKey, ", ", kPendingKey));
      continue;
    }
    const std::unique_ptr<google::protobuf::Message> unpacked = unpackAny(any, diagnostics, at);
    if (key == kPendingKey) {
      const auto* const options = optionsOf<PendingRequests>(unpacked, kPendingKey, diagnostics, at);
      if (options != nullptr) config.pending_timeout = durationOf(options->timeout());
      continue;
    }
    const auto* const options = optionsOf<HttpOptions>(unpacked, kHttpOptionsKey, diagnostics, at);
    if (options == nullptr) continue;
    if (hasOlderHttpFields(message)) {
      diagnostics.error(at,
                        "given beside common_http_protocol_options, http_protocol_options, http2_protocol_options or "
                        "protocol_selection of the cluster; allowed: one of the two ways");
    }
    compileHttpExtension(*options, hasTls(message), config, use, diagnostics, at);
  }
}

void selectProtocol(const Cluster& message, upstream::ClusterConfig& config, Diagnostics& diagnostics,
                    const FieldPath& path) {
  switch (message.protocol_selection()) {
    case Cluster::USE_CONFIGURED_PROTOCOL:
      if (!message.has_http_protocol_options() || !message.has_http2_protocol_options()) return;
      return diagnostics.error(path.at("http2_protocol_options"),
                               "given beside http_protocol_options; allowed: one of the two, or both with "
                               "protocol_selection USE_DOWNSTREAM_PROTOCOL");
    case Cluster::USE_DOWNSTREAM_PROTOCOL:
      config.protocol = upstream::Protocol::kDownstream;
      return;
    default:
      diagnostics.error(path.at("protocol_selection"),
                        absl::StrCat(static_cast<int>(message.protocol_selection()),
                                     "; allowed: USE_CONFIGURED_PROTOCOL, USE_DOWNSTREAM_PROTOCOL"));
  }
}

// The options of HTTP are given in one of two ways: the extension, or older fields of the cluster itself.
void compileHttpOptions(const Cluster& message, upstream::ClusterConfig& config, UpstreamUse& use,
                        Diagnostics& diagnostics, const FieldPath& path) {
  if (message.has_common_http_protocol_options()) {
    compileCommonHttp(message.common_http_protocol_options(), config, diagnostics,
                      path.at("common_http_protocol_options"));
  }
  if (message.has_http_protocol_options()) {
    compileHttp1(message.http_protocol_options(), config, diagnostics, path.at("http_protocol_options"));
  }
  if (message.has_http2_protocol_options()) {
    config.protocol = upstream::Protocol::kHttp2;
    compileHttp2(message.http2_protocol_options(), config, diagnostics, path.at("http2_protocol_options"));
  }
  selectProtocol(message, config, diagnostics, path);
  compileTypedOptions(message, config, use, diagnostics, path.at("typed_extension_protocol_options"));
}

}  // namespace

std::optional<upstream::ClusterConfig> compileCluster(const Cluster& message, const TransportScope& scope,
                                                      const FieldPath& path) {
  Diagnostics& diagnostics = scope.diagnostics;
  const size_t errors_before = diagnostics.errors();
  upstream::ClusterConfig config;
  config.name = message.name();
  config.stat_name = message.alt_stat_name().empty() ? message.name() : message.alt_stat_name();
  config.notes = compileMetadata(message.metadata());
  config.track_timeout_budgets = message.track_cluster_stats().timeout_budgets();
  config.track_sizes = message.track_cluster_stats().request_response_sizes();
  config.shows_endpoints = message.track_cluster_stats().per_endpoint_stats();
  compileDiscovery(message, config, diagnostics, path);
  compileLb(message, config.demand != nullptr || config.members != nullptr, config.lb, diagnostics, path);
  if (message.has_connect_timeout()) {
    config.connect_timeout = durationOf(message.connect_timeout());
    if (config.connect_timeout <= absl::ZeroDuration()) {
      diagnostics.error(path.at("connect_timeout"), "not above zero; allowed: a duration above 0s");
    }
  }
  if (message.has_per_connection_buffer_limit_bytes()) {
    config.buffer_limit = message.per_connection_buffer_limit_bytes().value();
    if (config.buffer_limit == 0) {
      diagnostics.error(path.at("per_connection_buffer_limit_bytes"), "0 bytes; allowed: 1 and above");
    }
  }
  if (message.has_max_requests_per_connection()) {
    config.max_requests_per_connection = message.max_requests_per_connection().value();
  }
  compileLimits(message, config, diagnostics, path);
  if (message.upstream_connection_options().has_tcp_keepalive()) {
    compileKeepAlive(message.upstream_connection_options().tcp_keepalive(), config);
  }
  // They are of use to one client alone.
  if (tellsClient(message)) config.idle_timeout = kIdleOfOneClient;
  if (message.has_upstream_bind_config()) {
    compileBind(message.upstream_bind_config(), config, diagnostics, path.at("upstream_bind_config"));
  }
  UpstreamUse use;
  compileHttpOptions(message, config, use, diagnostics, path);
  use.alpn = usualAlpn(config.protocol);
  compileTransports(message, config, use, scope, path);
  // A name that stands for one address at a time has another one then.
  const bool logical = config.dns != nullptr && config.dns->options.semantics == Semantics::kLogical;
  config.keep_hosts_that_pass = message.health_checks_size() > 0 && !message.ignore_health_on_host_removal() &&
                                config.demand == nullptr && !logical;
  if (diagnostics.errors() != errors_before) return std::nullopt;
  return config;
}

void refuseDuplicateClusters(const google::protobuf::RepeatedPtrField<Cluster>& clusters, Diagnostics& diagnostics,
                             const FieldPath& path, const char* field) {
  std::map<std::string, int> first;
  for (int i = 0; i < clusters.size(); ++i) {
    const auto [at, added] = first.emplace(clusters[i].name(), i);
    if (added) continue;
    diagnostics.error(path.at(field, static_cast<size_t>(i)).at("name"),
                      absl::StrCat("\"", clusters[i].name(), "\" is the name of ",
                                   path.at(field, static_cast<size_t>(at->second)).text(),
                                   " too; allowed: a name that no other cluster has"));
  }
}

}  // namespace weir::extensions
