// Every semantic rule of a cluster, with the whole of what is said when it is broken.
#include <google/protobuf/text_format.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/extensions/clusters/aggregate/v3/cluster.pb.h"
#include "envoy/extensions/clusters/dns/v3/dns_cluster.pb.h"
#include "envoy/extensions/clusters/dynamic_forward_proxy/v3/cluster.pb.h"
#include "envoy/extensions/load_balancing_policies/maglev/v3/maglev.pb.h"
#include "envoy/extensions/load_balancing_policies/ring_hash/v3/ring_hash.pb.h"
#include "envoy/extensions/network/dns_resolver/cares/v3/cares.pb.h"
#include "envoy/extensions/upstreams/http/v3/http.pb.h"
#include "gtest/gtest.h"
#include "source/extensions/clusters/compile_cluster.h"
#include "weir/extensions/load_balancing_policies/peak_ewma/v1/peak_ewma.pb.h"
#include "weir/extensions/upstreams/pending_requests/v1/pending_requests.pb.h"

namespace weir::extensions {
namespace {

using envoy::config::cluster::v3::Cluster;

// Extensions are found by name among those that are linked in.
void link() {
  envoy::extensions::clusters::dns::v3::DnsCluster::descriptor();
  envoy::extensions::clusters::dynamic_forward_proxy::v3::ClusterConfig::descriptor();
  envoy::extensions::load_balancing_policies::maglev::v3::Maglev::descriptor();
  envoy::extensions::clusters::aggregate::v3::ClusterConfig::descriptor();
  envoy::extensions::load_balancing_policies::ring_hash::v3::RingHash::descriptor();
  envoy::extensions::network::dns_resolver::cares::v3::CaresDnsResolverConfig::descriptor();
  envoy::extensions::upstreams::http::v3::HttpProtocolOptions::descriptor();
  ::weir::extensions::load_balancing_policies::peak_ewma::v1::PeakEwma::descriptor();
  ::weir::extensions::upstreams::pending_requests::v1::PendingRequests::descriptor();
}

// "error path: message" for each.
std::vector<std::string> said(const std::string& text) {
  link();
  Cluster message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString("name: 'c' " + text, &message)) << text;
  base::Diagnostics diagnostics;
  stats::Registry registry;
  const Secrets secrets;
  compileCluster(message, {secrets, registry, diagnostics}, base::FieldPath());
  std::vector<std::string> lines;
  for (const base::Diagnostic& one : diagnostics.all()) {
    const bool error = one.severity == base::Diagnostic::Severity::kError;
    lines.push_back(absl::StrCat(error ? "error " : "warning ", one.path, ": ", one.message));
  }
  return lines;
}

constexpr char kGood[] = "endpoint { address { socket_address { address: '127.0.0.1' port_value: 80 } } }";

std::string endpoint(const std::string& lb_endpoint) {
  return " load_assignment { cluster_name: 'c' endpoints { lb_endpoints { " + lb_endpoint + " } } } ";
}
std::string good() { return endpoint(kGood); }
std::string socket(const std::string& fields) {
  return endpoint("endpoint { address { socket_address { " + fields + " } } }");
}
std::string any(const std::string& type, const std::string& fields = "") {
  return "{ [type.googleapis.com/" + type + "] { " + fields + " } } ";
}
std::string option(const std::string& key, const std::string& value) {
  return good() + " typed_extension_protocol_options { key: '" + key + "' value " + value + " } ";
}
std::string policy(const std::string& type, const std::string& fields = "") {
  return good() + " load_balancing_policy { policies { typed_extension_config { name: 'x' typed_config " +
         any(type, fields) + " } } } ";
}
std::string subsets(const std::string& selector) {
  return good() + " lb_subset_config { subset_selectors { " + selector + " } } ";
}
std::string cares(const std::string& fields) {
  return "type: STRICT_DNS " + good() + " typed_dns_resolver_config { name: 'r' typed_config " +
         any("envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig", fields) + " } ";
}

const std::string kAt = "load_assignment.endpoints[0].lb_endpoints[0]";
const std::string kSocket = kAt + ".endpoint.address.socket_address";
const std::string kHttp = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
const std::string kPending = "weir.extensions.upstreams.pending_requests.v1.PendingRequests";
const std::string kPolicy = "load_balancing_policy.policies[0].typed_extension_config.typed_config";
const std::string kSelector = "lb_subset_config.subset_selectors[0].";
const std::string kNoEffect = " has no effect in a cluster; it is about ";

struct Rule {
  const char* name;
  std::string text;
  std::string line;
};

class ClusterMessages : public testing::TestWithParam<Rule> {};

TEST_P(ClusterMessages, SaysWhatWasSeenAndWhatIsAllowed) {
  EXPECT_EQ(said(GetParam().text), std::vector<std::string>{GetParam().line});
}

const auto kName = [](const testing::TestParamInfo<Rule>& info) { return std::string(info.param.name); };

INSTANTIATE_TEST_SUITE_P(
    Limits, ClusterMessages,
    testing::Values(
        Rule{"ThresholdsTwice",
             good() + "circuit_breakers { thresholds { priority: HIGH } thresholds { priority: HIGH } }",
             "error circuit_breakers.thresholds[1].priority: thresholds for priority HIGH were given before; allowed: "
             "one "
             "entry for each priority"},
        Rule{"HostThresholdsTwice",
             good() + "circuit_breakers { per_host_thresholds { max_connections { value: 1 } } per_host_thresholds { "
                      "max_connections { value: 2 } } }",
             "error circuit_breakers.per_host_thresholds[1].priority: thresholds for this priority were given before; "
             "allowed: one entry for each priority"},
        Rule{"HostThresholdOfRequests",
             good() + "circuit_breakers { per_host_thresholds { max_requests { value: 1 } } }",
             "error circuit_breakers.per_host_thresholds[0]: has a limit that is not implemented for single hosts; "
             "allowed: max_connections"},
        Rule{"HostThresholdOfPools",
             good() + "circuit_breakers { per_host_thresholds { max_connection_pools { value: 1 } } }",
             "error circuit_breakers.per_host_thresholds[0]: has a limit that is not implemented for single hosts; "
             "allowed: max_connections"},
        Rule{"PredictivePreconnectWithRingHash",
             good() + "lb_policy: RING_HASH preconnect_policy { predictive_preconnect_ratio { value: 2 } }",
             "warning preconnect_policy.predictive_preconnect_ratio: has no effect in this cluster; where the next "
             "request goes depends on that request"},
        Rule{"ConnectTimeoutOfZero", good() + "connect_timeout {}",
             "error connect_timeout: not above zero; allowed: a duration above 0s"},
        Rule{"BufferOfZero", good() + "per_connection_buffer_limit_bytes {}",
             "error per_connection_buffer_limit_bytes: 0 bytes; allowed: 1 and above"}),
    kName);

INSTANTIATE_TEST_SUITE_P(
    Protocols, ClusterMessages,
    testing::Values(
        Rule{"UnknownOptions", option("x", "{}"),
             "error typed_extension_protocol_options[\"x\"]: unknown protocol options; allowed: " + kHttp + ", " +
                 kPending},
        Rule{"HttpOptionsOfAnotherType", option(kHttp, any(kPending)),
             "error typed_extension_protocol_options[\"" + kHttp + "\"]: is a " + kPending + "; allowed: " + kHttp},
        Rule{"PendingRequestsOfAnotherType", option(kPending, any(kHttp)),
             "error typed_extension_protocol_options[\"" + kPending + "\"]: is a " + kHttp + "; allowed: " + kPending},
        Rule{"HttpOptionsInBothWays", option(kHttp, any(kHttp)) + "common_http_protocol_options {}",
             "error typed_extension_protocol_options[\"" + kHttp +
                 "\"]: given beside common_http_protocol_options, http_protocol_options, http2_protocol_options or "
                 "protocol_selection of the cluster; allowed: one of the two ways"},
        Rule{"AgreementWithoutTls", option(kHttp, any(kHttp, "auto_config {}")),
             "warning typed_extension_protocol_options[\"" + kHttp +
                 "\"].auto_config: is HTTP/1.1 here; endpoints can agree to HTTP/2 over TLS only, explicit_http_config "
                 "asks for it without"},
        Rule{"AbsoluteUrls", good() + "http_protocol_options { allow_absolute_url {} }",
             "warning http_protocol_options.allow_absolute_url:" + kNoEffect + "requests that come in"},
        Rule{"Http10", good() + "http_protocol_options { accept_http_10: true }",
             "warning http_protocol_options.accept_http_10:" + kNoEffect + "requests that come in"},
        Rule{"HostOfHttp10", good() + "http_protocol_options { default_host_for_http_10: 'h' }",
             "warning http_protocol_options.default_host_for_http_10:" + kNoEffect + "requests that come in"},
        Rule{"Underscores", good() + "common_http_protocol_options { headers_with_underscores_action: DROP_HEADER }",
             "warning common_http_protocol_options.headers_with_underscores_action:" + kNoEffect +
                 "the headers of requests that come in"}),
    kName);

INSTANTIATE_TEST_SUITE_P(
    Endpoints, ClusterMessages,
    testing::Values(
        Rule{
            "OfAnotherCluster",
            "load_assignment { cluster_name: 'd' endpoints { lb_endpoints { " + std::string(kGood) + " } } }",
            "warning load_assignment.cluster_name: \"d\" is not the name of the cluster, \"c\"; the endpoints are used "
            "all the same"},
        Rule{"None", "load_assignment { cluster_name: 'c' }",
             "warning load_assignment: has no endpoints; every request to this cluster is answered 503"},
        Rule{"NoneOfNames", "type: STRICT_DNS",
             "warning load_assignment: has no endpoints; every request to this cluster is answered 503"},
        Rule{"WithoutEndpoint", endpoint(""), "error " + kAt + ": no address; allowed: endpoint with an address"},
        Rule{"WithoutAddress", endpoint("endpoint {}"),
             "error " + kAt + ".endpoint: no address; allowed: endpoint with an address"},
        Rule{"EmptyAddress", endpoint("endpoint { address {} }"),
             "error " + kAt + ".endpoint.address: no address; allowed: socket_address or pipe"},
        Rule{"NameInAStaticCluster", socket("address: 'web' port_value: 80"),
             "error " + kSocket +
                 ".address: \"web\" is not an IP address, and names are not resolved here; use STRICT_DNS "
                 "or LOGICAL_DNS as type of the cluster for a name; allowed here: an IPv4 or IPv6 address"},
        Rule{"NeitherNameNorAddress", "type: STRICT_DNS " + socket("address: '10.0.0.' port_value: 80"),
             "error " + kSocket +
                 ".address: \"10.0.0.\" is neither an IP address nor a host name; allowed: a host name, "
                 "the name of a service (_http._tcp.example.org), or an IPv4 or IPv6 address"},
        Rule{"Udp", socket("protocol: UDP address: '::1' port_value: 80"),
             "error " + kSocket + ".protocol: UDP is not implemented by weir for clusters; allowed: TCP"},
        Rule{"NoPort", socket("address: '::1'"), "error " + kSocket + ".port_value: no port; allowed: 1 to 65535"},
        Rule{"PortZero", socket("address: '::1' port_value: 0"),
             "error " + kSocket + ".port_value: port 0; allowed: 1 to 65535"},
        Rule{"PortTooHigh", socket("address: '::1' port_value: 65536"),
             "error " + kSocket + ".port_value: port 65536; allowed: 1 to 65535"},
        Rule{"AnyAddress", socket("address: '0.0.0.0' port_value: 80"),
             "error " + kSocket + ".address: 0.0.0.0 is no address to connect to; allowed: the address of a host"},
        Rule{"CompatibleAddress", socket("address: '::1' port_value: 80 ipv4_compat: true"),
             "warning " + kSocket + ".ipv4_compat: has no effect in a cluster"},
        Rule{"ModeOfAPipe", endpoint("endpoint { address { pipe { path: '/p' mode: 7 } } }"),
             "warning " + kAt +
                 ".endpoint.address.pipe.mode: has no effect in a cluster; it is about sockets that weir "
                 "binds"},
        Rule{"CheckedPortOfAPipe",
             endpoint("endpoint { address { pipe { path: '/p' } } health_check_config { port_value: 7 } }"),
             "error " + kAt +
                 ".endpoint.health_check_config.port_value: the endpoint is a pipe, which has no ports; "
                 "allowed: address"},
        Rule{"WeightZero", endpoint(std::string(kGood) + " load_balancing_weight {}"),
             "error " + kAt + ".load_balancing_weight: 0; allowed: 1 and above"}),
    kName);

INSTANTIATE_TEST_SUITE_P(
    Discovery, ClusterMessages,
    testing::Values(
        Rule{"EdsWithoutSource", "type: EDS",
             "error eds_cluster_config.eds_config: is missing in an EDS cluster; allowed: path_config_source"},
        Rule{"EdsWithEndpoints",
             "type: EDS eds_cluster_config { eds_config { path_config_source { path: '/e' } } }" + good(),
             "warning load_assignment: has no effect in an EDS cluster; its file has the endpoints"},
        Rule{"EdsOfV2", "type: EDS eds_cluster_config { eds_config { path: '/e' resource_api_version: V2 } }",
             "error eds_cluster_config.eds_config.resource_api_version: V2 is no longer spoken; allowed: V3"},
        Rule{"EdsConfigOfAnotherType", "eds_cluster_config {}" + good(),
             "error eds_cluster_config: given for a cluster of another type; allowed with type EDS"},
        Rule{"TypeWithoutConfig", "cluster_type { name: 'x' }",
             "error cluster_type.typed_config: is missing for \"x\"; allowed: "
             "envoy.extensions.clusters.dns.v3.DnsCluster"},
        Rule{"TypeOfSomethingElse", "cluster_type { name: 'x' typed_config " + any(kHttp) + "}",
             "error cluster_type.typed_config: \"x\" is a " + kHttp +
                 "; allowed: envoy.extensions.clusters.dns.v3.DnsCluster, "
                 "envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig, "
                 "envoy.extensions.clusters.aggregate.v3.ClusterConfig"},
        Rule{"AggregateWithEndpoints",
             "cluster_type { name: 'x' typed_config " +
                 any("envoy.extensions.clusters.aggregate.v3.ClusterConfig", "clusters: 'a'") +
                 "} lb_policy: CLUSTER_PROVIDED" + good(),
             "error load_assignment: endpoints of an aggregate; allowed: none, its clusters have them"},
        Rule{"AggregateWithAPolicy",
             "cluster_type { name: 'x' typed_config " +
                 any("envoy.extensions.clusters.aggregate.v3.ClusterConfig", "clusters: 'a'") + "} lb_policy: RANDOM",
             "error lb_policy: RANDOM in an aggregate; allowed: CLUSTER_PROVIDED"},
        Rule{"SourceThatIsNoAddress",
             good() + "upstream_bind_config { source_address { address: 'eth0' port_value: 0 } }",
             "error upstream_bind_config.source_address.address: \"eth0\" is not an IP address; allowed: one of this "
             "machine"},
        Rule{"ForwardWithoutCache",
             "cluster_type { name: 'x' typed_config " +
                 any("envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig") + "}",
             "error cluster_type.typed_config.dns_cache_config: is missing; allowed: the cache that the filter names"},
        Rule{"OriginalWithEndpoints", "type: ORIGINAL_DST lb_policy: CLUSTER_PROVIDED" + good(),
             "error load_assignment: endpoints of an ORIGINAL_DST cluster; allowed: none, connections say where they "
             "go"},
        Rule{"OriginalWithAPolicy", "type: ORIGINAL_DST lb_policy: RANDOM",
             "error lb_policy: RANDOM in an ORIGINAL_DST cluster; allowed: CLUSTER_PROVIDED"},
        Rule{"OriginalByAHeaderThatIsNotUsed",
             "type: ORIGINAL_DST lb_policy: CLUSTER_PROVIDED original_dst_lb_config { http_header_name: 'x-to' }",
             "warning original_dst_lb_config.http_header_name: has no effect without use_http_header"},
        Rule{"OriginalOptionsOfAnotherType", good() + "original_dst_lb_config {}",
             "warning original_dst_lb_config: has no effect; it belongs to type ORIGINAL_DST"},
        Rule{"CleanupOfAnotherType", good() + "cleanup_interval { seconds: 5 }",
             "warning cleanup_interval: has no effect; it belongs to type ORIGINAL_DST"},
        Rule{"DnsFieldsOfAStaticCluster", good() + "respect_dns_ttl: true",
             "warning respect_dns_ttl: has no effect; it belongs to types STRICT_DNS and LOGICAL_DNS"},
        Rule{"DnsFieldsBesideTheExtension",
             good() + "dns_refresh_rate { seconds: 5 } cluster_type { name: 'x' typed_config " +
                 any("envoy.extensions.clusters.dns.v3.DnsCluster") + "}",
             "warning dns_refresh_rate: has no effect; the configuration of the cluster_type says it"},
        Rule{"FailureRateBelowItsBase",
             "type: STRICT_DNS dns_failure_refresh_rate { base_interval { seconds: 5 } max_interval { seconds: 1 } }" +
                 good(),
             "error dns_failure_refresh_rate.max_interval: is below base_interval; allowed: that and above"},
        Rule{"LogicalWithTwo",
             "type: LOGICAL_DNS load_assignment { cluster_name: 'c' endpoints { lb_endpoints { " + std::string(kGood) +
                 " } lb_endpoints { " + std::string(kGood) + " } } }",
             "error load_assignment: 2 endpoints; allowed in a LOGICAL_DNS cluster: one, whose name is resolved to one "
             "address at a time"},
        Rule{"ResolverThatIsAPipe", cares("resolvers { pipe { path: '/p' } }"),
             "error typed_dns_resolver_config.typed_config.resolvers[0]: not a socket_address; allowed: the IP address "
             "and "
             "port of a DNS server"},
        Rule{"ResolverByName", cares("resolvers { socket_address { address: 'dns' port_value: 53 } }"),
             "error typed_dns_resolver_config.typed_config.resolvers[0].socket_address.address: \"dns\" is not an IP "
             "address; allowed: that of a DNS server"},
        Rule{"ResolverOfAnotherType",
             "type: STRICT_DNS" + good() + "typed_dns_resolver_config { name: 'r' typed_config " + any(kHttp) + "}",
             "error typed_dns_resolver_config.typed_config: \"r\" is a " + kHttp +
                 "; allowed: envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig"}),
    kName);

INSTANTIATE_TEST_SUITE_P(
    Policies, ClusterMessages,
    testing::Values(
        Rule{"ByNobody", good() + "lb_policy: LOAD_BALANCING_POLICY_CONFIG",
             "error lb_policy: LOAD_BALANCING_POLICY_CONFIG; allowed beside load_balancing_policy"},
        Rule{"OptionsOfAnother", good() + "maglev_lb_config {}",
             "warning maglev_lb_config: has no effect; it belongs to lb_policy MAGLEV"},
        Rule{"RingOfAnother", good() + "ring_hash_lb_config {}",
             "warning ring_hash_lb_config: has no effect; it belongs to lb_policy RING_HASH"},
        Rule{"HashingWithoutHash", good() + "common_lb_config { consistent_hashing_lb_config {} }",
             "warning common_lb_config.consistent_hashing_lb_config: has no effect; it belongs to lb_policy RING_HASH "
             "or "
             "MAGLEV"},
        Rule{"TableThatIsNoPrime", good() + "lb_policy: MAGLEV maglev_lb_config { table_size { value: 10 } }",
             "error maglev_lb_config.table_size: 10 is not a prime; allowed: primes from 3 to 5000011"},
        Rule{"RingBelowItsMinimum",
             good() + "lb_policy: RING_HASH ring_hash_lb_config { minimum_ring_size { value: 9 } maximum_ring_size { "
                      "value: 8 } }",
             "error ring_hash_lb_config.maximum_ring_size: 8 is below minimum_ring_size, 9; allowed: that and above"},
        Rule{"HashOfAnother", good() + "lb_policy: RING_HASH ring_hash_lb_config { hash_function: MURMUR_HASH_2 }",
             "warning ring_hash_lb_config.hash_function: has no effect; weir places endpoints by a hash of its own"},
        Rule{"SlowStartBelowZero",
             good() + "round_robin_lb_config { slow_start_config { slow_start_window { seconds: -1 } } }",
             "error round_robin_lb_config.slow_start_config.slow_start_window: below zero; allowed: 0s and above"},
        Rule{
            "AggressionOfZero",
            good() + "round_robin_lb_config { slow_start_config { aggression { default_value: 0 runtime_key: 'k' } } }",
            "error round_robin_lb_config.slow_start_config.aggression.default_value: 0; allowed: numbers above 0"},
        Rule{"BiasBelowZero",
             good() + "lb_policy: LEAST_REQUEST least_request_lb_config { active_request_bias { default_value: -1 "
                      "runtime_key: 'k' } }",
             "error least_request_lb_config.active_request_bias.default_value: -1; allowed: 0 and above"},
        Rule{"NoPolicies", good() + "load_balancing_policy {}",
             "error load_balancing_policy.policies: no policies; allowed: one or more"},
        Rule{"NoPolicyAtAll", policy(kHttp),
             "error " + kPolicy + ": is a " + kHttp +
                 "; allowed: RoundRobin, LeastRequest, Random, RingHash, Maglev, PickFirst, WrrLocality, OverrideHost, "
                 "Subset, PeakEwma"},
        Rule{"DecayOfZero", policy("weir.extensions.load_balancing_policies.peak_ewma.v1.PeakEwma", "decay_time {}"),
             "error " + kPolicy + ".decay_time: not above zero; allowed: a duration above 0s"},
        Rule{"SelectorWithoutKeys", subsets(""), "error " + kSelector + "keys: no keys; allowed: one or more"},
        Rule{"FewerKeysWithoutPolicy", subsets("keys: 'a' keys: 'b' fallback_keys_subset: 'a'"),
             "error " + kSelector +
                 "fallback_keys_subset: given without fallback_policy KEYS_SUBSET; allowed: with that "
                 "alone"},
        Rule{"FewerKeysThatAreNotFewer", subsets("keys: 'a' fallback_policy: KEYS_SUBSET fallback_keys_subset: 'a'"),
             "error " + kSelector +
                 "fallback_keys_subset: not a part of the selector's keys; allowed: some of them, not "
                 "all"},
        Rule{"SingleHostOfTwoKeys", subsets("keys: 'a' keys: 'b' single_host_per_subset: true"),
             "error " + kSelector + "single_host_per_subset: given with several keys; allowed: with one key alone"}),
    kName);

}  // namespace
}  // namespace weir::extensions
