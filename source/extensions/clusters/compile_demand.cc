#include "source/extensions/clusters/compile_demand.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "envoy/extensions/common/dynamic_forward_proxy/v3/dns_cache.pb.h"
#include "source/extensions/clusters/compile_dns.h"
#include "source/extensions/clusters/compile_resolver.h"
#include "source/extensions/messages/duration.h"

namespace weir::extensions {
namespace {

using base::Diagnostics;
using base::FieldPath;
using envoy::extensions::common::dynamic_forward_proxy::v3::DnsCacheConfig;
using upstream::DemandConfig;

constexpr absl::Duration kRefreshRate = absl::Seconds(60);
constexpr absl::Duration kMinRefreshRate = absl::Seconds(5);

}  // namespace

std::optional<DemandConfig> compileDnsCache(const DnsCacheConfig& message, Diagnostics& diagnostics,
                                            const FieldPath& path) {
  const size_t errors_before = diagnostics.errors();
  DemandConfig config;
  upstream::dns::DnsHostsOptions& options = config.options;
  options.family = familyOf(message.dns_lookup_family());
  options.refresh_rate = message.has_dns_refresh_rate() ? durationOf(message.dns_refresh_rate()) : kRefreshRate;
  options.respect_ttl = true;
  options.min_refresh =
      message.has_dns_min_refresh_rate() ? durationOf(message.dns_min_refresh_rate()) : kMinRefreshRate;
  if (message.has_dns_failure_refresh_rate()) {
    compileFailureRate(message.dns_failure_refresh_rate(), options, diagnostics, path);
  }
  if (message.has_host_ttl()) config.host_ttl = durationOf(message.host_ttl());
  if (message.has_max_hosts()) config.max_hosts = message.max_hosts().value();
  if (message.dns_cache_circuit_breaker().has_max_pending_requests()) {
    config.max_pending = message.dns_cache_circuit_breaker().max_pending_requests().value();
  }
  if (message.has_dns_query_timeout()) config.patience = durationOf(message.dns_query_timeout());
  for (int i = 0; i < message.preresolve_hostnames_size(); ++i) {
    const auto& address = message.preresolve_hostnames(i);
    if (address.port_value() == 0) {
      diagnostics.error(path.at("preresolve_hostnames", static_cast<size_t>(i)).at("port_value"),
                        "port 0; allowed: 1 to 65535");
    }
    config.preresolved.push_back(absl::StrCat(absl::AsciiStrToLower(address.address()), ":", address.port_value()));
  }
  ResolverFields fields;
  if (message.has_typed_dns_resolver_config()) fields.typed_dns_resolver_config = &message.typed_dns_resolver_config();
  if (message.has_dns_resolution_config()) fields.dns_resolution_config = &message.dns_resolution_config();
  fields.use_tcp_for_dns_lookups = message.use_tcp_for_dns_lookups();
  config.resolver = compileResolver(fields, diagnostics, path);
  if (diagnostics.errors() != errors_before) return std::nullopt;
  return config;
}

}  // namespace weir::extensions
