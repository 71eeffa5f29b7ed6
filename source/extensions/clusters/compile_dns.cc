#include "source/extensions/clusters/compile_dns.h"

#include "absl/strings/str_cat.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/extensions/clusters/dns/v3/dns_cluster.pb.h"
#include "source/extensions/clusters/compile_resolver.h"
#include "source/extensions/messages/duration.h"

namespace weir::extensions {
namespace {

using envoy::config::cluster::v3::Cluster;
using envoy::extensions::clusters::dns::v3::DnsCluster;
namespace common_dns = envoy::extensions::clusters::common::dns::v3;
using base::Diagnostics;
using base::FieldPath;
using upstream::discovery::DnsDiscovery;
using upstream::dns::DnsHostsOptions;
using upstream::dns::Family;

Family familyOf(common_dns::DnsLookupFamily family) {
  switch (family) {
    case common_dns::V4_ONLY:
      return Family::kV4Only;
    case common_dns::V6_ONLY:
      return Family::kV6Only;
    case common_dns::V4_PREFERRED:
      return Family::kV4Preferred;
    case common_dns::ALL:
      return Family::kAll;
    default:
      return Family::kAuto;
  }
}

template <typename Rate>
void setFailureRate(const Rate& rate, DnsHostsOptions& options, Diagnostics& diagnostics, const FieldPath& path) {
  options.failure_base = durationOf(rate.base_interval());
  if (!rate.has_max_interval()) return;
  options.failure_max = durationOf(rate.max_interval());
  if (options.failure_max < *options.failure_base) {
    diagnostics.error(path.at("dns_failure_refresh_rate").at("max_interval"),
                      "is below base_interval; allowed: that and above");
  }
}

// The fields that both messages have.
template <typename Message>
void compileRates(const Message& message, DnsHostsOptions& options, Diagnostics& diagnostics, const FieldPath& path) {
  if (message.has_dns_refresh_rate()) options.refresh_rate = durationOf(message.dns_refresh_rate());
  options.respect_ttl = message.respect_dns_ttl();
  if (message.has_dns_jitter()) options.jitter = durationOf(message.dns_jitter());
  if (message.has_dns_failure_refresh_rate()) {
    setFailureRate(message.dns_failure_refresh_rate(), options, diagnostics, path);
  }
}

}  // namespace

Family familyOf(int family) {
  switch (family) {
    case Cluster::V4_ONLY:
      return Family::kV4Only;
    case Cluster::V6_ONLY:
      return Family::kV6Only;
    case Cluster::V4_PREFERRED:
      return Family::kV4Preferred;
    case Cluster::ALL:
      return Family::kAll;
    default:
      return Family::kAuto;
  }
}

void compileFailureRate(const envoy::config::cluster::v3::Cluster_RefreshRate& rate, DnsHostsOptions& options,
                        Diagnostics& diagnostics, const FieldPath& path) {
  setFailureRate(rate, options, diagnostics, path);
}

DnsDiscovery compileDns(const Cluster& message, Diagnostics& diagnostics, const FieldPath& path) {
  DnsDiscovery dns;
  compileRates(message, dns.options, diagnostics, path);
  dns.options.family = familyOf(message.dns_lookup_family());
  if (message.type() == Cluster::LOGICAL_DNS) dns.options.semantics = DnsHostsOptions::Semantics::kLogical;
  ResolverFields fields;
  if (message.has_typed_dns_resolver_config()) fields.typed_dns_resolver_config = &message.typed_dns_resolver_config();
  if (message.has_dns_resolution_config()) fields.dns_resolution_config = &message.dns_resolution_config();
  fields.dns_resolvers = &message.dns_resolvers();
  fields.use_tcp_for_dns_lookups = message.use_tcp_for_dns_lookups();
  dns.resolver = compileResolver(fields, diagnostics, path);
  return dns;
}

DnsDiscovery compileDns(const DnsCluster& message, Diagnostics& diagnostics, const FieldPath& path) {
  DnsDiscovery dns;
  compileRates(message, dns.options, diagnostics, path);
  dns.options.family = familyOf(message.dns_lookup_family());
  if (message.all_addresses_in_single_endpoint()) dns.options.semantics = DnsHostsOptions::Semantics::kLogical;
  ResolverFields fields;
  if (message.has_typed_dns_resolver_config()) fields.typed_dns_resolver_config = &message.typed_dns_resolver_config();
  dns.resolver = compileResolver(fields, diagnostics, path);
  return dns;
}

void warnOfDnsFields(const Cluster& message, Diagnostics& diagnostics, const FieldPath& path) {
  const auto warn = [&](bool given, const char* field) {
    if (!given) return;
    diagnostics.warning(path.at(field), message.has_cluster_type()
                                            ? "has no effect; the configuration of the cluster_type says it"
                                            : "has no effect; it belongs to types STRICT_DNS and LOGICAL_DNS");
  };
  warn(message.has_dns_refresh_rate(), "dns_refresh_rate");
  warn(message.has_dns_failure_refresh_rate(), "dns_failure_refresh_rate");
  warn(message.respect_dns_ttl(), "respect_dns_ttl");
  warn(message.has_dns_jitter(), "dns_jitter");
  // Given to clusters of every type in many files, with no harm.
  if (message.has_cluster_type()) warn(message.dns_lookup_family() != Cluster::AUTO, "dns_lookup_family");
  warn(!message.dns_resolvers().empty(), "dns_resolvers");
  warn(message.use_tcp_for_dns_lookups(), "use_tcp_for_dns_lookups");
  warn(message.has_dns_resolution_config(), "dns_resolution_config");
  warn(message.has_typed_dns_resolver_config(), "typed_dns_resolver_config");
}

void checkLogical(const DnsDiscovery& dns, Diagnostics& diagnostics, const FieldPath& path) {
  if (dns.options.semantics != DnsHostsOptions::Semantics::kLogical || dns.endpoints.size() == 1) return;
  diagnostics.error(path, absl::StrCat(dns.endpoints.size(),
                                       " endpoints; allowed in a LOGICAL_DNS cluster: one, "
                                       "whose name is resolved to one address at a time"));
}

}  // namespace weir::extensions
