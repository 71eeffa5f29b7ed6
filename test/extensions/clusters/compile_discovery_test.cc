#include "source/extensions/clusters/compile_discovery.h"

#include <google/protobuf/text_format.h>

#include <string>
#include <vector>

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/extensions/clusters/aggregate/v3/cluster.pb.h"
#include "envoy/extensions/clusters/dns/v3/dns_cluster.pb.h"
#include "envoy/extensions/network/dns_resolver/cares/v3/cares.pb.h"
#include "gtest/gtest.h"
#include "source/upstream/demand.h"
#include "source/upstream/discovery/dns_discovery.h"
#include "source/upstream/discovery/file_discovery.h"

namespace weir::extensions {
namespace {

using envoy::config::cluster::v3::Cluster;
using upstream::dns::AresOptions;
using upstream::dns::DnsHostsOptions;
using upstream::dns::Family;

struct Compiled {
  upstream::ClusterConfig config;
  std::vector<base::Diagnostic> all;
};

Compiled compile(const std::string& text) {
  // The extensions must be linked in to be found by name.
  envoy::extensions::clusters::dns::v3::DnsCluster::descriptor();
  envoy::extensions::network::dns_resolver::cares::v3::CaresDnsResolverConfig::descriptor();
  Cluster message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString("name: 'c' " + text, &message)) << text;
  base::Diagnostics diagnostics;
  Compiled result;
  compileDiscovery(message, result.config, diagnostics, base::FieldPath());
  result.all = diagnostics.all();
  return result;
}

std::string endpoint(const std::string& address, int port = 80) {
  return "lb_endpoints { endpoint { address { socket_address { address: '" + address +
         "' port_value: " + std::to_string(port) + " } } } } ";
}

std::string endpoints(const std::string& list) {
  return "load_assignment { cluster_name: 'c' endpoints { " + list + " } } ";
}

constexpr char kCares[] = "[type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig]";

TEST(CompileDiscoveryTest, AnAggregateHasItsMembers) {
  envoy::extensions::clusters::aggregate::v3::ClusterConfig::descriptor();
  const std::string type =
      "cluster_type { name: 'a' typed_config { "
      "[type.googleapis.com/envoy.extensions.clusters.aggregate.v3.ClusterConfig] { clusters: 'x' clusters: 'y' } } } ";
  const Compiled result = compile(type + "lb_policy: CLUSTER_PROVIDED");
  EXPECT_TRUE(result.all.empty());
  ASSERT_NE(result.config.members, nullptr);
  EXPECT_EQ(*result.config.members, (std::vector<std::string>{"x", "y"}));
  const Compiled wrong = compile(type + endpoints(endpoint("127.0.0.1")));
  ASSERT_EQ(wrong.all.size(), 2u);
  EXPECT_EQ(wrong.all[0].path, "load_assignment");
  EXPECT_EQ(wrong.all[1].message, "ROUND_ROBIN in an aggregate; allowed: CLUSTER_PROVIDED");
}

TEST(CompileDiscoveryTest, TheDefaultsOfNamesAreThoseOfTheApi) {
  const Compiled result = compile("type: STRICT_DNS " + endpoints(endpoint("web.example", 8080)));
  EXPECT_TRUE(result.all.empty());
  ASSERT_NE(result.config.dns, nullptr);
  const upstream::discovery::DnsDiscovery& dns = *result.config.dns;
  EXPECT_EQ(dns.options.semantics, DnsHostsOptions::Semantics::kStrict);
  EXPECT_EQ(dns.options.family, Family::kAuto);
  EXPECT_EQ(dns.options.refresh_rate, absl::Seconds(5));
  EXPECT_FALSE(dns.options.respect_ttl);
  EXPECT_EQ(dns.options.jitter, absl::ZeroDuration());
  EXPECT_FALSE(dns.options.failure_base.has_value());
  EXPECT_EQ(dns.options.keep_stale, absl::Minutes(5));
  EXPECT_EQ(dns.resolver, nullptr);
  EXPECT_TRUE(dns.wait);
  ASSERT_EQ(dns.endpoints.size(), 1u);
  EXPECT_EQ(dns.endpoints[0].name, "web.example");
  EXPECT_EQ(dns.endpoints[0].port, 8080);
  EXPECT_EQ(dns.endpoints[0].host.hostname, "web.example");
  EXPECT_TRUE(result.config.hosts.empty());
}

TEST(CompileDiscoveryTest, EveryFieldAboutNamesIsHonoured) {
  const Compiled result = compile("type: LOGICAL_DNS " + endpoints(endpoint("web.example")) + R"(
      dns_refresh_rate { seconds: 7 } respect_dns_ttl: true dns_jitter { seconds: 2 } dns_lookup_family: V4_PREFERRED
      dns_failure_refresh_rate { base_interval { seconds: 1 } max_interval { seconds: 9 } }
      wait_for_warm_on_init { value: false }
      typed_dns_resolver_config { name: 'cares' typed_config { )" +
                                  kCares + R"( {
        resolvers { socket_address { address: '10.0.0.53' port_value: 53 } }
        resolvers { socket_address { address: '::1' port_value: 0 } }
        dns_resolver_options { use_tcp_for_dns_lookups: true no_default_search_domain: true }
        query_timeout_seconds { value: 3 } query_tries { value: 2 } rotate_nameservers: true
        edns0_max_payload_size { value: 4096 } } } })");
  EXPECT_TRUE(result.all.empty());
  ASSERT_NE(result.config.dns, nullptr);
  const upstream::discovery::DnsDiscovery& dns = *result.config.dns;
  EXPECT_EQ(dns.options.semantics, DnsHostsOptions::Semantics::kLogical);
  EXPECT_EQ(dns.options.family, Family::kV4Preferred);
  EXPECT_EQ(dns.options.refresh_rate, absl::Seconds(7));
  EXPECT_TRUE(dns.options.respect_ttl);
  EXPECT_EQ(dns.options.jitter, absl::Seconds(2));
  EXPECT_EQ(dns.options.failure_base, absl::Seconds(1));
  EXPECT_EQ(dns.options.failure_max, absl::Seconds(9));
  EXPECT_FALSE(dns.wait);
  ASSERT_NE(dns.resolver, nullptr);
  const AresOptions& resolver = *dns.resolver;
  ASSERT_EQ(resolver.servers.size(), 2u);
  EXPECT_EQ(resolver.servers[0].text(), "10.0.0.53:53");
  EXPECT_EQ(resolver.servers[1].text(), "[::1]:53");
  EXPECT_TRUE(resolver.use_tcp);
  EXPECT_FALSE(resolver.use_search_domains);
  EXPECT_EQ(resolver.query_timeout, absl::Seconds(3));
  EXPECT_EQ(resolver.tries, 2);
  EXPECT_TRUE(resolver.rotate);
  EXPECT_EQ(resolver.udp_payload, 4096);
}

TEST(CompileDiscoveryTest, TheOlderWaysToNameServersWork) {
  const std::string server = "{ socket_address { address: '10.0.0.53' port_value: 5353 } }";
  const std::string names = "type: STRICT_DNS " + endpoints(endpoint("web.example"));
  for (const std::string& way :
       {"dns_resolvers " + server + " use_tcp_for_dns_lookups: true",
        "dns_resolution_config { resolvers " + server + " dns_resolver_options { use_tcp_for_dns_lookups: true } }"}) {
    const Compiled result = compile(names + way);
    EXPECT_TRUE(result.all.empty()) << way;
    ASSERT_NE(result.config.dns->resolver, nullptr) << way;
    ASSERT_EQ(result.config.dns->resolver->servers.size(), 1u) << way;
    EXPECT_EQ(result.config.dns->resolver->servers[0].text(), "10.0.0.53:5353") << way;
    EXPECT_TRUE(result.config.dns->resolver->use_tcp) << way;
  }
}

TEST(CompileDiscoveryTest, TheExtensionSaysTheSame) {
  const std::string options = R"(
      cluster_type { name: 'envoy.clusters.dns' typed_config {
        [type.googleapis.com/envoy.extensions.clusters.dns.v3.DnsCluster] {
          dns_refresh_rate { seconds: 7 } dns_lookup_family: V6_ONLY all_addresses_in_single_endpoint: true
          dns_failure_refresh_rate { base_interval { seconds: 1 } } } } } )";
  const Compiled result = compile(options + endpoints(endpoint("web.example")));
  EXPECT_TRUE(result.all.empty());
  ASSERT_NE(result.config.dns, nullptr);
  EXPECT_EQ(result.config.dns->options.semantics, DnsHostsOptions::Semantics::kLogical);
  EXPECT_EQ(result.config.dns->options.family, Family::kV6Only);
  EXPECT_EQ(result.config.dns->options.refresh_rate, absl::Seconds(7));
  EXPECT_EQ(result.config.dns->options.failure_base, absl::Seconds(1));
}

TEST(CompileDiscoveryTest, ANamedClusterOfAddressesIsAStaticOne) {
  const Compiled result = compile("type: STRICT_DNS " + endpoints(endpoint("10.0.0.1") + endpoint("::1")));
  EXPECT_TRUE(result.all.empty());
  EXPECT_EQ(result.config.dns, nullptr);
  ASSERT_EQ(result.config.hosts.size(), 2u);
  EXPECT_EQ(result.config.hosts[1].text, "[::1]:80");
}

TEST(CompileDiscoveryTest, AddressesAndNamesMayStandSideBySide) {
  const Compiled result = compile("type: STRICT_DNS " + endpoints(endpoint("10.0.0.1") + endpoint("_web._tcp.x", 0)));
  EXPECT_TRUE(result.all.empty());
  ASSERT_NE(result.config.dns, nullptr);
  ASSERT_EQ(result.config.dns->endpoints.size(), 2u);
  EXPECT_TRUE(result.config.dns->endpoints[0].name.empty());
  EXPECT_EQ(result.config.dns->endpoints[0].host.text, "10.0.0.1:80");
  EXPECT_EQ(result.config.dns->endpoints[1].name, "_web._tcp.x");
}

TEST(CompileDiscoveryTest, AFileOfEndpoints) {
  const Compiled result = compile(R"(type: EDS eds_cluster_config { service_name: 's' eds_config {
      resource_api_version: V3
      path_config_source { path: '/etc/weir/eds.yaml' watched_directory { path: '/etc/weir' } } } })");
  EXPECT_TRUE(result.all.empty());
  ASSERT_NE(result.config.endpoints_file, nullptr);
  EXPECT_EQ(result.config.endpoints_file->path, "/etc/weir/eds.yaml");
  EXPECT_EQ(result.config.endpoints_file->watched, "/etc/weir");
  EXPECT_EQ(result.config.endpoints_file->service, "s");
  const Compiled older = compile("type: EDS eds_cluster_config { eds_config { path: 'eds.json' } }");
  ASSERT_NE(older.config.endpoints_file, nullptr);
  EXPECT_EQ(older.config.endpoints_file->watched, "eds.json");
  EXPECT_EQ(older.config.endpoints_file->service, "c");
}

struct Case {
  std::string text;
  std::string path;
  std::string message;  // a part of it
};

class RefusedTest : public testing::TestWithParam<Case> {};

TEST_P(RefusedTest, NamesFieldAndWhatIsAllowed) {
  const Compiled result = compile(GetParam().text);
  ASSERT_EQ(result.all.size(), 1u);
  EXPECT_EQ(result.all[0].severity, base::Diagnostic::Severity::kError);
  EXPECT_EQ(result.all[0].path, GetParam().path);
  EXPECT_NE(result.all[0].message.find(GetParam().message), std::string::npos) << result.all[0].message;
}

constexpr char kAddress[] = "load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.socket_address.address";

INSTANTIATE_TEST_SUITE_P(
    Discovery, RefusedTest,
    testing::Values(
        Case{endpoints(endpoint("web.example")), kAddress, "use STRICT_DNS or LOGICAL_DNS"},
        Case{"type: STRICT_DNS " + endpoints(endpoint("no name")), kAddress, "a host name"},
        Case{"type: STRICT_DNS " + endpoints(endpoint("10.0.0.300")), kAddress,
             "neither an IP address nor a host name"},
        Case{"type: STRICT_DNS " + endpoints(endpoint(std::string(254, 'x'))), kAddress, "a host name"},
        Case{"type: STRICT_DNS " + endpoints(endpoint("web.example", 0)),
             "load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.socket_address.port_value", "port 0"},
        Case{"type: LOGICAL_DNS " + endpoints(endpoint("a.example") + endpoint("b.example")), "load_assignment",
             "2 endpoints; allowed in a LOGICAL_DNS cluster: one"},
        Case{"type: STRICT_DNS dns_resolvers { pipe { path: '/x' } } " + endpoints(endpoint("a.example")),
             "dns_resolvers[0]", "IP address and port of a DNS server"},
        Case{"type: STRICT_DNS dns_resolvers { socket_address { address: 'ns.example' port_value: 53 } } " +
                 endpoints(endpoint("a.example")),
             "dns_resolvers[0].socket_address.address", "not an IP address"},
        Case{"type: STRICT_DNS dns_failure_refresh_rate { base_interval { seconds: 2 } max_interval { seconds: 1 } } " +
                 endpoints(endpoint("a.example")),
             "dns_failure_refresh_rate.max_interval", "below base_interval"},
        Case{"type: STRICT_DNS typed_dns_resolver_config { name: 'x' typed_config { "
             "[type.googleapis.com/envoy.extensions.clusters.dns.v3.DnsCluster] {} } } " +
                 endpoints(endpoint("a.example")),
             "typed_dns_resolver_config.typed_config", "CaresDnsResolverConfig"},
        Case{"cluster_type { name: 'x' } " + endpoints(endpoint("a.example")), "cluster_type.typed_config",
             "is missing"},
        Case{std::string("cluster_type { name: 'x' typed_config { ") + kCares + " {} } }", "cluster_type.typed_config",
             "allowed: envoy.extensions.clusters.dns.v3.DnsCluster"},
        Case{"type: EDS", "eds_cluster_config.eds_config", "is missing"},
        Case{"type: EDS eds_cluster_config { eds_config { path: 'x' resource_api_version: V2 } }",
             "eds_cluster_config.eds_config.resource_api_version", "allowed: V3"},
        Case{"eds_cluster_config { eds_config { path: 'x' } } " + endpoints(endpoint("10.0.0.1")), "eds_cluster_config",
             "allowed with type EDS"},
        Case{"type: ORIGINAL_DST", "lb_policy", "ROUND_ROBIN in an ORIGINAL_DST cluster; allowed: CLUSTER_PROVIDED"},
        Case{"type: ORIGINAL_DST lb_policy: CLUSTER_PROVIDED " + endpoints(endpoint("10.0.0.1")), "load_assignment",
             "allowed: none"}));

TEST(CompileDiscoveryTest, OriginalDestinationsAreThoseOfTheConnection) {
  const Compiled result = compile("type: ORIGINAL_DST lb_policy: CLUSTER_PROVIDED");
  EXPECT_TRUE(result.all.empty());
  ASSERT_NE(result.config.demand, nullptr);
  const upstream::DemandConfig& demand = result.config.demand->config();
  EXPECT_EQ(demand.kind, upstream::DemandConfig::Kind::kAddresses);
  EXPECT_EQ(demand.host_ttl, absl::Seconds(5));
  EXPECT_EQ(demand.header, "");
  EXPECT_EQ(demand.port_override, 0);
}

TEST(CompileDiscoveryTest, OriginalDestinationsMayBeThoseOfAHeader) {
  const std::string base = "type: ORIGINAL_DST lb_policy: CLUSTER_PROVIDED cleanup_interval { seconds: 60 } ";
  const Compiled usual = compile(base + "original_dst_lb_config { use_http_header: true }");
  EXPECT_EQ(usual.config.demand->config().header, "x-envoy-original-dst-host");
  EXPECT_EQ(usual.config.demand->config().host_ttl, absl::Seconds(60));
  const Compiled own = compile(
      base +
      "original_dst_lb_config { use_http_header: true http_header_name: 'X-To' upstream_port_override { value: 81 } }");
  EXPECT_EQ(own.config.demand->config().header, "x-to");
  EXPECT_EQ(own.config.demand->config().port_override, 81);
  const Compiled idle = compile(base + "original_dst_lb_config { http_header_name: 'x' }");
  ASSERT_EQ(idle.all.size(), 1u);
  EXPECT_EQ(idle.all[0].message, "has no effect without use_http_header");
  const Compiled elsewhere = compile("type: STATIC cleanup_interval { seconds: 1 } original_dst_lb_config {} " +
                                     endpoints(endpoint("10.0.0.1")));
  EXPECT_EQ(elsewhere.all.size(), 2u);
}

TEST(CompileDiscoveryTest, FieldsWithoutEffectAreWarnedOf) {
  const Compiled result = compile("dns_refresh_rate { seconds: 1 } respect_dns_ttl: true dns_lookup_family: V4_ONLY " +
                                  endpoints(endpoint("10.0.0.1")));
  ASSERT_EQ(result.all.size(), 2u);
  EXPECT_EQ(result.all[0].severity, base::Diagnostic::Severity::kWarning);
  EXPECT_EQ(result.all[0].path, "dns_refresh_rate");
  EXPECT_EQ(result.all[1].path, "respect_dns_ttl");
}

}  // namespace
}  // namespace weir::extensions
