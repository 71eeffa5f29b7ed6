#include "source/extensions/clusters/compile_discovery.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/extensions/clusters/aggregate/v3/cluster.pb.h"
#include "envoy/extensions/clusters/dns/v3/dns_cluster.pb.h"
#include "envoy/extensions/clusters/dynamic_forward_proxy/v3/cluster.pb.h"
#include "source/extensions/clusters/compile_demand.h"
#include "source/extensions/clusters/compile_dns.h"
#include "source/extensions/clusters/compile_endpoints.h"
#include "source/extensions/messages/duration.h"
#include "source/extensions/messages/unpack_any.h"
#include "source/upstream/discovery/dns_discovery.h"
#include "source/upstream/discovery/file_discovery.h"

namespace weir::extensions {
namespace {

namespace core_v3 = envoy::config::core::v3;
using base::Diagnostics;
using base::FieldPath;
using envoy::config::cluster::v3::Cluster;
using envoy::extensions::clusters::dns::v3::DnsCluster;
using AggregateCluster = envoy::extensions::clusters::aggregate::v3::ClusterConfig;
using ForwardCluster = envoy::extensions::clusters::dynamic_forward_proxy::v3::ClusterConfig;
using upstream::DemandConfig;
using upstream::discovery::DnsDiscovery;
using upstream::discovery::NamedHost;

constexpr char kOriginalDstHeader[] = "x-envoy-original-dst-host";
constexpr absl::Duration kDefaultCleanupInterval = absl::Seconds(5);
// More than that at once is refused, and counted as host_overflow.
constexpr size_t kMaxOriginalHosts = 16384;

void checkName(const Cluster& message, Diagnostics& diagnostics, const FieldPath& path) {
  const std::string& named = message.load_assignment().cluster_name();
  if (named.empty() || named == message.name()) return;
  diagnostics.warning(path.at("load_assignment").at("cluster_name"),
                      absl::StrCat("\"", named, "\" is not the name of the cluster, \"", message.name(),
                                   "\"; the endpoints are used all the same"));
}

void warnOfNoEndpoints(bool none, size_t errors_before, Diagnostics& diagnostics, const FieldPath& path) {
  if (!none || diagnostics.errors() != errors_before) return;
  diagnostics.warning(path.at("load_assignment"), "has no endpoints; every request to this cluster is answered 503");
}

void compileStatic(const Cluster& message, upstream::ClusterConfig& config, Diagnostics& diagnostics,
                   const FieldPath& path) {
  const size_t errors_before = diagnostics.errors();
  warnOfDnsFields(message, diagnostics, path);
  if (message.has_load_assignment()) {
    config.hosts = compileEndpoints(message.load_assignment(), diagnostics, path.at("load_assignment"));
  }
  warnOfNoEndpoints(config.hosts.empty(), errors_before, diagnostics, path);
}

// `dns` says how; the endpoints say what.
void compileNames(const Cluster& message, DnsDiscovery dns, upstream::ClusterConfig& config, Diagnostics& diagnostics,
                  const FieldPath& path) {
  const size_t errors_before = diagnostics.errors();
  const FieldPath assignment = path.at("load_assignment");
  dns.endpoints = compileNamedEndpoints(message.load_assignment(), diagnostics, assignment);
  dns.wait = !message.has_wait_for_warm_on_init() || message.wait_for_warm_on_init().value();
  warnOfNoEndpoints(dns.endpoints.empty(), errors_before, diagnostics, path);
  if (diagnostics.errors() != errors_before || dns.endpoints.empty()) return;
  checkLogical(dns, diagnostics, assignment);
  const bool any_name = std::any_of(dns.endpoints.begin(), dns.endpoints.end(),
                                    [](const NamedHost& endpoint) { return !endpoint.name.empty(); });
  if (any_name) {
    config.dns = std::make_shared<const DnsDiscovery>(std::move(dns));
    return;
  }
  for (NamedHost& endpoint : dns.endpoints) config.hosts.push_back(std::move(endpoint.host));
}

// A dynamic forward proxy.
void compileForward(const Cluster& message, const ForwardCluster& forward, upstream::ClusterConfig& config,
                    Diagnostics& diagnostics, const FieldPath& path) {
  if (message.has_load_assignment()) {
    diagnostics.warning(path.at("load_assignment"), "has no effect; requests say where they go");
  }
  const FieldPath extension = path.at("cluster_type");
  const FieldPath typed = extension.at("typed_config");
  const FieldPath at = typed.at("dns_cache_config");
  if (!forward.has_dns_cache_config()) {
    diagnostics.error(at, "is missing; allowed: the cache that the filter names");
    return;
  }
  std::optional<DemandConfig> demand = compileDnsCache(forward.dns_cache_config(), diagnostics, at);
  if (!demand.has_value()) return;
  if (message.has_transport_socket()) demand->default_port = 443;
  config.demand = std::make_shared<upstream::Demand>(*std::move(demand));
}

// Of requests that go where their connection was going, or where a header says.
void compileOriginal(const Cluster& message, upstream::ClusterConfig& config, Diagnostics& diagnostics,
                     const FieldPath& path) {
  warnOfDnsFields(message, diagnostics, path);
  if (message.has_load_assignment()) {
    diagnostics.error(path.at("load_assignment"),
                      "endpoints of an ORIGINAL_DST cluster; allowed: none, connections say where they go");
  }
  if (!message.has_load_balancing_policy() && message.lb_policy() != Cluster::CLUSTER_PROVIDED) {
    diagnostics.error(path.at("lb_policy"), absl::StrCat(Cluster::LbPolicy_Name(message.lb_policy()),
                                                         " in an ORIGINAL_DST cluster; allowed: CLUSTER_PROVIDED"));
  }
  DemandConfig demand;
  demand.kind = DemandConfig::Kind::kAddresses;
  demand.max_hosts = kMaxOriginalHosts;
  demand.host_ttl = message.has_cleanup_interval() ? durationOf(message.cleanup_interval()) : kDefaultCleanupInterval;
  const Cluster::OriginalDstLbConfig& from = message.original_dst_lb_config();
  const FieldPath at = path.at("original_dst_lb_config");
  if (from.use_http_header()) {
    const std::string& name = from.http_header_name();
    demand.header = name.empty() ? kOriginalDstHeader : absl::AsciiStrToLower(name);
  } else if (!from.http_header_name().empty()) {
    diagnostics.warning(at.at("http_header_name"), "has no effect without use_http_header");
  }
  if (from.has_upstream_port_override()) demand.port_override = from.upstream_port_override().value();
  config.demand = std::make_shared<upstream::Demand>(std::move(demand));
}

// The bootstrap checks that the members are there.
void compileAggregate(const Cluster& message, const AggregateCluster& aggregate, upstream::ClusterConfig& config,
                      Diagnostics& diagnostics, const FieldPath& path) {
  warnOfDnsFields(message, diagnostics, path);
  if (message.has_load_assignment()) {
    diagnostics.error(path.at("load_assignment"), "endpoints of an aggregate; allowed: none, its clusters have them");
  }
  if (!message.has_load_balancing_policy() && message.lb_policy() != Cluster::CLUSTER_PROVIDED) {
    diagnostics.error(path.at("lb_policy"), absl::StrCat(Cluster::LbPolicy_Name(message.lb_policy()),
                                                         " in an aggregate; allowed: CLUSTER_PROVIDED"));
  }
  config.members =
      std::make_shared<const std::vector<std::string>>(aggregate.clusters().begin(), aggregate.clusters().end());
}

void compileExtension(const Cluster& message, upstream::ClusterConfig& config, Diagnostics& diagnostics,
                      const FieldPath& path) {
  const FieldPath extension = path.at("cluster_type");
  const FieldPath at = extension.at("typed_config");
  if (!message.cluster_type().has_typed_config()) {
    diagnostics.error(at, absl::StrCat("is missing for \"", message.cluster_type().name(),
                                       "\"; allowed: ", DnsCluster::descriptor()->full_name()));
    return;
  }
  const auto unpacked = unpackAny(message.cluster_type().typed_config(), diagnostics, at);
  if (unpacked == nullptr) return;
  if (const auto* dns = google::protobuf::DynamicCastToGenerated<const DnsCluster>(unpacked.get())) {
    warnOfDnsFields(message, diagnostics, path);
    compileNames(message, compileDns(*dns, diagnostics, at), config, diagnostics, path);
    return;
  }
  if (const auto* forward = google::protobuf::DynamicCastToGenerated<const ForwardCluster>(unpacked.get())) {
    warnOfDnsFields(message, diagnostics, path);
    compileForward(message, *forward, config, diagnostics, path);
    return;
  }
  if (const auto* aggregate = google::protobuf::DynamicCastToGenerated<const AggregateCluster>(unpacked.get())) {
    compileAggregate(message, *aggregate, config, diagnostics, path);
    return;
  }
  diagnostics.error(
      at, absl::StrCat("\"", message.cluster_type().name(), "\" is a ", unpacked->GetDescriptor()->full_name(),
                       "; allowed: ", DnsCluster::descriptor()->full_name(), ", ",
                       ForwardCluster::descriptor()->full_name(), ", ", AggregateCluster::descriptor()->full_name()));
}

void compileFile(const Cluster& message, upstream::ClusterConfig& config, Diagnostics& diagnostics,
                 const FieldPath& path) {
  warnOfDnsFields(message, diagnostics, path);
  if (message.has_load_assignment()) {
    diagnostics.warning(path.at("load_assignment"), "has no effect in an EDS cluster; its file has the endpoints");
  }
  const FieldPath eds = path.at("eds_cluster_config");
  const FieldPath at = eds.at("eds_config");
  if (!message.eds_cluster_config().has_eds_config()) {
    diagnostics.error(at, "is missing in an EDS cluster; allowed: path_config_source");
    return;
  }
  const core_v3::ConfigSource& source = message.eds_cluster_config().eds_config();
  if (source.resource_api_version() == core_v3::V2) {
    diagnostics.error(at.at("resource_api_version"), "V2 is no longer spoken; allowed: V3");
  }
  auto file = std::make_shared<upstream::discovery::FileDiscovery>();
  file->path = source.has_path_config_source() ? source.path_config_source().path() : source.path();
  file->watched = source.path_config_source().has_watched_directory()
                      ? source.path_config_source().watched_directory().path()
                      : file->path;
  const std::string& service = message.eds_cluster_config().service_name();
  file->service = service.empty() ? message.name() : service;
  config.endpoints_file = std::move(file);
}

}  // namespace

void compileDiscovery(const Cluster& message, upstream::ClusterConfig& config, Diagnostics& diagnostics,
                      const FieldPath& path) {
  if (message.has_load_assignment()) checkName(message, diagnostics, path);
  if (message.has_eds_cluster_config() && message.type() != Cluster::EDS) {
    diagnostics.error(path.at("eds_cluster_config"), "given for a cluster of another type; allowed with type EDS");
  }
  if (message.type() != Cluster::ORIGINAL_DST || message.has_cluster_type()) {
    const char* const kNoEffect = "has no effect; it belongs to type ORIGINAL_DST";
    if (message.has_original_dst_lb_config()) diagnostics.warning(path.at("original_dst_lb_config"), kNoEffect);
    if (message.has_cleanup_interval()) diagnostics.warning(path.at("cleanup_interval"), kNoEffect);
  }
  if (message.has_cluster_type()) {
    compileExtension(message, config, diagnostics, path);
    return;
  }
  switch (message.type()) {
    case Cluster::STATIC:
      compileStatic(message, config, diagnostics, path);
      return;
    case Cluster::STRICT_DNS:
    case Cluster::LOGICAL_DNS:
      compileNames(message, compileDns(message, diagnostics, path), config, diagnostics, path);
      return;
    case Cluster::EDS:
      compileFile(message, config, diagnostics, path);
      return;
    case Cluster::ORIGINAL_DST:
      compileOriginal(message, config, diagnostics, path);
      return;
    default:
      return;
  }
}

}  // namespace weir::extensions
