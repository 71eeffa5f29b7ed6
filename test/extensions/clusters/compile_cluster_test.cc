#include "source/extensions/clusters/compile_cluster.h"

#include <google/protobuf/text_format.h>

#include <string>
#include <vector>

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/extensions/load_balancing_policies/ring_hash/v3/ring_hash.pb.h"
#include "envoy/extensions/upstreams/http/v3/http.pb.h"
#include "gtest/gtest.h"
#include "source/proxy/routes/hash_policy.h"

namespace weir::extensions {
namespace {

using envoy::config::cluster::v3::Cluster;
using upstream::ClusterConfig;

struct Compiled {
  std::optional<ClusterConfig> config;
  std::vector<base::Diagnostic> all;
};

Compiled compile(const std::string& text) {
  Cluster message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  base::Diagnostics diagnostics;
  stats::Registry registry;
  const Secrets secrets;
  Compiled result{compileCluster(message, {secrets, registry, diagnostics}, base::FieldPath()), {}};
  result.all = diagnostics.all();
  EXPECT_EQ(result.config.has_value(), diagnostics.ok());
  return result;
}

std::string endpointAt(const std::string& address) {
  return "load_assignment { cluster_name: 'c' endpoints { lb_endpoints { endpoint { address { " + address +
         " } } } } }";
}

std::string withEndpoint(const std::string& rest) {
  return "name: 'c' " + endpointAt("socket_address { address: '127.0.0.1' port_value: 80 }") + rest;
}

TEST(CompileClusterTest, TheDefaultsAreThoseOfTheApi) {
  const Compiled result = compile(withEndpoint(""));
  ASSERT_TRUE(result.config.has_value());
  EXPECT_TRUE(result.all.empty());
  const ClusterConfig& config = *result.config;
  EXPECT_EQ(config.name, "c");
  EXPECT_EQ(config.stat_name, "c");
  EXPECT_EQ(config.lb.policy, upstream::lb::PolicyKind::kRoundRobin);
  EXPECT_EQ(config.connect_timeout, absl::Seconds(5));
  EXPECT_EQ(config.buffer_limit, 1024u * 1024);
  EXPECT_EQ(config.idle_timeout, absl::Hours(1));
  EXPECT_EQ(config.max_requests_per_connection, 0u);
  EXPECT_EQ(config.pending_timeout, absl::InfiniteDuration());
  EXPECT_EQ(config.preconnect_ratio, 1);
  EXPECT_EQ(config.predictive_preconnect_ratio, 1);
  for (const upstream::Thresholds& limits : config.thresholds) {
    EXPECT_EQ(limits.max_connections, 1024u);
    EXPECT_EQ(limits.max_pending_requests, 1024u);
    EXPECT_EQ(limits.max_requests, 1024u);
    ASSERT_TRUE(limits.retry_budget.has_value());
    EXPECT_EQ(limits.retry_budget->percent, 20);
    EXPECT_EQ(limits.retry_budget->min_concurrency, 3u);
  }
  ASSERT_EQ(config.hosts.size(), 1u);
  EXPECT_EQ(config.hosts[0].text, "127.0.0.1:80");
  EXPECT_EQ(config.hosts[0].weight, 1u);
}

TEST(CompileClusterTest, EveryFieldIsHonoured) {
  const Compiled result = compile(withEndpoint(R"(
      alt_stat_name: 'other' lb_policy: LEAST_REQUEST least_request_lb_config { choice_count { value: 5 } }
      connect_timeout { nanos: 250000000 } per_connection_buffer_limit_bytes { value: 32768 }
      circuit_breakers {
        thresholds { max_connections { value: 1 } max_pending_requests { value: 2 } max_requests { value: 3 }
                     max_retries { value: 4 } max_connection_pools { value: 5 } track_remaining: true }
        thresholds { priority: HIGH max_connections { value: 9 } } }
      upstream_connection_options { tcp_keepalive {
        keepalive_probes { value: 3 } keepalive_time { value: 60 } keepalive_interval { value: 5 } } }
      preconnect_policy { per_upstream_preconnect_ratio { value: 1.5 } predictive_preconnect_ratio { value: 2 } }
      typed_extension_protocol_options { key: 'weir.extensions.upstreams.pending_requests.v1.PendingRequests' value {
        [type.googleapis.com/weir.extensions.upstreams.pending_requests.v1.PendingRequests] {
          timeout { nanos: 500000000 } } } }
      typed_extension_protocol_options { key: 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions' value {
        [type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions] {
          explicit_http_config { http_protocol_options { enable_trailers: true } }
          common_http_protocol_options { idle_timeout { seconds: 7 } max_headers_count { value: 50 }
            max_connection_duration { seconds: 8 } max_stream_duration { seconds: 9 }
            max_requests_per_connection { value: 11 } max_response_headers_kb { value: 16 } } } } })"));
  ASSERT_TRUE(result.config.has_value());
  EXPECT_TRUE(result.all.empty());
  const ClusterConfig& config = *result.config;
  EXPECT_EQ(config.stat_name, "other");
  EXPECT_EQ(config.lb.policy, upstream::lb::PolicyKind::kLeastRequest);
  EXPECT_EQ(config.lb.choice_count, 5u);
  EXPECT_EQ(config.connect_timeout, absl::Milliseconds(250));
  EXPECT_EQ(config.buffer_limit, 32768u);
  EXPECT_EQ(config.thresholds[0].max_connections, 1u);
  EXPECT_EQ(config.thresholds[0].max_pending_requests, 2u);
  EXPECT_EQ(config.thresholds[0].max_requests, 3u);
  EXPECT_EQ(config.thresholds[0].max_retries, 4u);
  EXPECT_FALSE(config.thresholds[0].retry_budget.has_value()) << "a number holds where it is asked for";
  EXPECT_TRUE(config.thresholds[1].retry_budget.has_value());
  EXPECT_TRUE(config.thresholds[0].track_remaining);
  EXPECT_EQ(config.thresholds[1].max_connections, 9u);
  EXPECT_EQ(config.thresholds[1].max_requests, 1024u);
  ASSERT_TRUE(config.keep_alive.has_value());
  EXPECT_EQ(config.keep_alive->probes, 3u);
  EXPECT_EQ(config.keep_alive->idle_seconds, 60u);
  EXPECT_EQ(config.keep_alive->interval_seconds, 5u);
  EXPECT_TRUE(config.h1.enable_trailers);
  EXPECT_EQ(config.idle_timeout, absl::Seconds(7));
  EXPECT_EQ(config.h1.limits.head_fields, 50u);
  EXPECT_EQ(config.max_connection_duration, absl::Seconds(8));
  EXPECT_EQ(config.max_stream_duration, absl::Seconds(9));
  EXPECT_EQ(config.max_requests_per_connection, 11u);
  EXPECT_EQ(config.h1.limits.head_bytes, 16u * 1024);
  EXPECT_EQ(config.thresholds[0].max_connection_pools, 5u);
  EXPECT_EQ(config.thresholds[1].max_connection_pools, std::nullopt);
  EXPECT_EQ(config.preconnect_ratio, 1.5);
  EXPECT_EQ(config.predictive_preconnect_ratio, 2);
  EXPECT_EQ(config.pending_timeout, absl::Milliseconds(500));
}

TEST(CompileClusterTest, TheOlderFieldsWork) {
  const Compiled result = compile(withEndpoint(R"(
      max_requests_per_connection { value: 4 } http_protocol_options { enable_trailers: true }
      common_http_protocol_options { idle_timeout { seconds: 3 } })"));
  ASSERT_TRUE(result.config.has_value());
  EXPECT_EQ(result.config->max_requests_per_connection, 4u);
  EXPECT_TRUE(result.config->h1.enable_trailers);
  EXPECT_EQ(result.config->idle_timeout, absl::Seconds(3));
}

std::string httpOptions(const std::string& text) {
  return withEndpoint(R"(
      typed_extension_protocol_options { key: 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions' value {
        [type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions] { )" +
                      text + " } } }");
}

TEST(CompileClusterTest, TheProtocolIsHttp1WhereNothingIsSaid) {
  EXPECT_EQ(compile(withEndpoint("")).config->protocol, upstream::Protocol::kHttp1);
  const Compiled result = compile(httpOptions("explicit_http_config { http_protocol_options {} }"));
  EXPECT_EQ(result.config->protocol, upstream::Protocol::kHttp1);
}

TEST(CompileClusterTest, TheProtocolIsHttp2WhereItIsAskedFor) {
  const Compiled result = compile(httpOptions(R"(
      explicit_http_config { http2_protocol_options { max_concurrent_streams { value: 7 }
        initial_stream_window_size { value: 70000 }
        connection_keepalive { interval { seconds: 30 } timeout { seconds: 5 } } } }
      common_http_protocol_options { max_headers_count { value: 50 } max_response_headers_kb { value: 16 } })"));
  ASSERT_TRUE(result.config.has_value());
  EXPECT_TRUE(result.all.empty());
  EXPECT_EQ(result.config->protocol, upstream::Protocol::kHttp2);
  EXPECT_EQ(result.config->h2.max_concurrent_streams, 7u);
  EXPECT_EQ(result.config->h2.initial_stream_window, 70000u);
  EXPECT_EQ(result.config->h2.limits.head_fields, 50u);
  EXPECT_EQ(result.config->h2.limits.head_bytes, 16u * 1024);
  ASSERT_TRUE(result.config->h2_keepalive.has_value());
  EXPECT_EQ(result.config->h2_keepalive->interval, absl::Seconds(30));
}

TEST(CompileClusterTest, TheOlderFieldAsksForHttp2Too) {
  const Compiled result = compile(withEndpoint("http2_protocol_options { max_concurrent_streams { value: 9 } }"));
  ASSERT_TRUE(result.config.has_value());
  EXPECT_EQ(result.config->protocol, upstream::Protocol::kHttp2);
  EXPECT_EQ(result.config->h2.max_concurrent_streams, 9u);
}

TEST(CompileClusterTest, TheProtocolMayBeThatOfTheRequest) {
  const Compiled result = compile(httpOptions(R"(
      use_downstream_protocol_config { http_protocol_options { enable_trailers: true }
                                       http2_protocol_options { max_concurrent_streams { value: 5 } } })"));
  ASSERT_TRUE(result.config.has_value());
  EXPECT_TRUE(result.all.empty());
  EXPECT_EQ(result.config->protocol, upstream::Protocol::kDownstream);
  EXPECT_TRUE(result.config->h1.enable_trailers);
  EXPECT_EQ(result.config->h2.max_concurrent_streams, 5u);
}

TEST(CompileClusterTest, AnAgreedProtocolIsHttp1WithoutTlsAndAWarning) {
  const Compiled result = compile(httpOptions("auto_config { http2_protocol_options {} }"));
  ASSERT_TRUE(result.config.has_value());
  EXPECT_EQ(result.config->protocol, upstream::Protocol::kHttp1);
  ASSERT_EQ(result.all.size(), 1u);
  EXPECT_EQ(result.all[0].path,
            "typed_extension_protocol_options[\"envoy.extensions.upstreams.http.v3.HttpProtocolOptions\"].auto_config");
}

TEST(CompileClusterTest, ConnectionsMayComeFromAnAddress) {
  EXPECT_EQ(compile(withEndpoint("")).config->source, nullptr);
  const std::string bind = " upstream_bind_config { source_address { address: '";
  const Compiled result = compile(withEndpoint(bind + "10.0.0.9' port_value: 0 } }"));
  ASSERT_TRUE(result.config.has_value() && result.config->source != nullptr);
  EXPECT_EQ(result.config->source->text(), "10.0.0.9:0");
  const Compiled wrong = compile(withEndpoint(bind + "here' port_value: 0 } }"));
  ASSERT_EQ(wrong.all.size(), 1u);
  EXPECT_EQ(wrong.all[0].path, "upstream_bind_config.source_address.address");
}

TEST(CompileClusterTest, HostsThatPassTheirChecksStayUnlessItIsSaidOtherwise) {
  const std::string check =
      " health_checks { timeout { seconds: 1 } interval { seconds: 1 } unhealthy_threshold { value: 1 } "
      "healthy_threshold { value: 1 } tcp_health_check {} }";
  EXPECT_FALSE(compile(withEndpoint("")).config->keep_hosts_that_pass);
  EXPECT_TRUE(compile(withEndpoint(check)).config->keep_hosts_that_pass);
  EXPECT_FALSE(compile(withEndpoint(check + " ignore_health_on_host_removal: true")).config->keep_hosts_that_pass);
  const std::string name =
      "load_assignment { cluster_name: 'c' endpoints { lb_endpoints { endpoint { address { "
      "socket_address { address: 'a.test' port_value: 80 } } } } } }";
  EXPECT_TRUE(compile("name: 'c' type: STRICT_DNS " + name + check).config->keep_hosts_that_pass);
  EXPECT_FALSE(compile("name: 'c' type: LOGICAL_DNS " + name + check).config->keep_hosts_that_pass);
}

TEST(CompileClusterTest, EndpointsKeepWeightHealthAndOrder) {
  const Compiled result = compile(R"(name: 'c' load_assignment { cluster_name: 'c'
      endpoints {
        lb_endpoints { endpoint { hostname: 'a' address { socket_address { address: '10.0.0.1' port_value: 1 } } }
                       load_balancing_weight { value: 7 } }
        lb_endpoints { endpoint { address { socket_address { address: '::1' port_value: 2 } } }
                       health_status: DRAINING } }
      endpoints {
        lb_endpoints { endpoint { address { pipe { path: '/run/x.sock' } } } health_status: TIMEOUT } } })");
  ASSERT_TRUE(result.config.has_value());
  const std::vector<upstream::HostSpec>& hosts = result.config->hosts;
  ASSERT_EQ(hosts.size(), 3u);
  EXPECT_EQ(hosts[0].text, "10.0.0.1:1");
  EXPECT_EQ(hosts[0].hostname, "a");
  EXPECT_EQ(hosts[0].weight, 7u);
  EXPECT_EQ(hosts[0].health, upstream::HostHealth::kHealthy);
  EXPECT_EQ(hosts[1].text, "[::1]:2");
  EXPECT_EQ(hosts[1].health, upstream::HostHealth::kDraining);
  EXPECT_EQ(hosts[2].text, "unix:/run/x.sock");
  EXPECT_EQ(hosts[2].health, upstream::HostHealth::kTimeout);
}

struct Refusal {
  std::string text;
  std::string path;
  std::string message;  // a part of it
};

class RefusalTest : public testing::TestWithParam<Refusal> {};

TEST_P(RefusalTest, NamesFieldAndWhatIsAllowed) {
  const Compiled result = compile(GetParam().text);
  EXPECT_FALSE(result.config.has_value());
  ASSERT_EQ(result.all.size(), 1u);
  EXPECT_EQ(result.all[0].path, GetParam().path);
  EXPECT_NE(result.all[0].message.find(GetParam().message), std::string::npos) << result.all[0].message;
}

constexpr char kAddress[] = "load_assignment.endpoints[0].lb_endpoints[0].endpoint.address";

INSTANTIATE_TEST_SUITE_P(
    Clusters, RefusalTest,
    testing::Values(
        Refusal{withEndpoint("lb_policy: CLUSTER_PROVIDED"), "lb_policy", "allowed where the cluster chooses the host"},
        Refusal{withEndpoint("connect_timeout {}"), "connect_timeout", "allowed: a duration above 0s"},
        Refusal{withEndpoint("per_connection_buffer_limit_bytes {}"), "per_connection_buffer_limit_bytes",
                "1 and above"},
        Refusal{withEndpoint("circuit_breakers { thresholds {} thresholds {} }"),
                "circuit_breakers.thresholds[1].priority", "DEFAULT were given before"},
        Refusal{"name: 'c' " + endpointAt("socket_address { address: 'backend.local' port_value: 80 }"),
                std::string(kAddress) + ".socket_address.address", "\"backend.local\" is not an IP address"},
        Refusal{"name: 'c' " + endpointAt("socket_address { address: '0.0.0.0' port_value: 80 }"),
                std::string(kAddress) + ".socket_address.address", "no address to connect to"},
        Refusal{"name: 'c' " + endpointAt("socket_address { address: '127.0.0.1' }"),
                std::string(kAddress) + ".socket_address.port_value", "no port"},
        Refusal{"name: 'c' " + endpointAt("socket_address { address: '127.0.0.1' port_value: 0 }"),
                std::string(kAddress) + ".socket_address.port_value", "port 0; allowed: 1 to 65535"},
        Refusal{"name: 'c' " + endpointAt("socket_address { protocol: UDP address: '127.0.0.1' port_value: 5 }"),
                std::string(kAddress) + ".socket_address.protocol", "allowed: TCP"},
        Refusal{"name: 'c' " + endpointAt("pipe { path: '" + std::string(200, 'x') + "' }"),
                std::string(kAddress) + ".pipe.path", "107"},
        Refusal{"name: 'c' " + endpointAt(""), kAddress, "allowed: socket_address or pipe"},
        Refusal{"name: 'c' load_assignment { endpoints { lb_endpoints {} } }",
                "load_assignment.endpoints[0].lb_endpoints[0]", "no address"},
        Refusal{withEndpoint("typed_extension_protocol_options { key: 'envoy.filters.network.redis_proxy' value {} }"),
                "typed_extension_protocol_options[\"envoy.filters.network.redis_proxy\"]",
                "allowed: envoy.extensions.upstreams.http.v3.HttpProtocolOptions"}));

TEST(CompileClusterTest, HttpOptionsInBothWaysAreRefused) {
  const Compiled result = compile(withEndpoint(R"(
      http_protocol_options {}
      typed_extension_protocol_options { key: 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions' value {
        [type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions] {
          explicit_http_config { http_protocol_options {} } } } })"));
  EXPECT_FALSE(result.config.has_value());
  ASSERT_EQ(result.all.size(), 1u);
  EXPECT_NE(result.all[0].message.find("one of the two ways"), std::string::npos);
}

TEST(CompileClusterTest, Http2OptionsInBothWaysAreRefused) {
  const Compiled result =
      compile(httpOptions("explicit_http_config { http2_protocol_options {} }") + " http2_protocol_options {}");
  EXPECT_FALSE(result.config.has_value());
  ASSERT_EQ(result.all.size(), 1u);
  EXPECT_NE(result.all[0].message.find("one of the two ways"), std::string::npos);
}

TEST(CompileClusterTest, AllErrorsComeInOneRun) {
  const Compiled result = compile("name: 'c' eds_cluster_config {} lb_policy: CLUSTER_PROVIDED connect_timeout {} " +
                                  endpointAt("socket_address { address: 'x' }"));
  EXPECT_EQ(result.all.size(), 5u);
}

TEST(CompileClusterTest, WhatHasNoEffectIsAWarning) {
  const Compiled result = compile(withEndpoint(R"(
      least_request_lb_config {} http_protocol_options { accept_http_10: true }
      common_http_protocol_options { headers_with_underscores_action: REJECT_REQUEST })"));
  ASSERT_TRUE(result.config.has_value());
  EXPECT_EQ(result.all.size(), 3u);
  for (const base::Diagnostic& one : result.all) EXPECT_EQ(one.severity, base::Diagnostic::Severity::kWarning);
}

TEST(CompileClusterTest, EndpointsUnderAnotherNameAreAWarning) {
  const Compiled result = compile("name: 'd' " + endpointAt("socket_address { address: '127.0.0.1' port_value: 80 }"));
  ASSERT_TRUE(result.config.has_value());
  ASSERT_EQ(result.all.size(), 1u);
  EXPECT_EQ(result.all[0].path, "load_assignment.cluster_name");
}

TEST(CompileClusterTest, NoEndpointsIsAWarning) {
  const Compiled result = compile("name: 'c'");
  ASSERT_TRUE(result.config.has_value());
  ASSERT_EQ(result.all.size(), 1u);
  EXPECT_EQ(result.all[0].path, "load_assignment");
}

TEST(CompileClusterTest, DuplicateNamesAreReportedWithTheFirst) {
  google::protobuf::RepeatedPtrField<Cluster> clusters;
  for (const char* name : {"a", "b", "a"}) clusters.Add()->set_name(name);
  base::Diagnostics diagnostics;
  const base::FieldPath root;
  refuseDuplicateClusters(clusters, diagnostics, root.at("static_resources"), "clusters");
  ASSERT_EQ(diagnostics.errors(), 1u);
  EXPECT_EQ(diagnostics.all()[0].path, "static_resources.clusters[2].name");
  EXPECT_NE(diagnostics.all()[0].message.find("static_resources.clusters[0]"), std::string::npos);
}

std::string ringThatHashes(const std::string& header) {
  return "load_balancing_policy { policies { typed_extension_config { name: 'ring' typed_config { "
         "[type.googleapis.com/envoy.extensions.load_balancing_policies.ring_hash.v3.RingHash] { "
         "consistent_hashing_lb_config { hash_policy { header { header_name: '" +
         header + "' } } } } } } } }";
}

TEST(CompileClusterTest, WhatIsHashedIsSaidByTheBalancerOrElseByTheOptionsOfHttp) {
  const std::string options = httpOptions(
      "explicit_http_config { http_protocol_options {} } hash_policy { header { header_name: 'X-User' } } "
      "hash_policy { connection_properties { source_ip: true } }");
  EXPECT_EQ(compile(withEndpoint("")).config->lb.hash_policy, nullptr);
  const Compiled of_http = compile(options);
  ASSERT_NE(of_http.config->lb.hash_policy, nullptr);
  ASSERT_EQ(of_http.config->lb.hash_policy->rules().size(), 2u);
  EXPECT_EQ(of_http.config->lb.hash_policy->rules()[0].name, "x-user");
  const Compiled both = compile(options + ringThatHashes("x-ring"));
  ASSERT_EQ(both.config->lb.hash_policy->rules().size(), 1u);
  EXPECT_EQ(both.config->lb.hash_policy->rules()[0].name, "x-ring");
}

TEST(CompileClusterTest, AHashPolicyThatNamesNothingIsAnErrorInEitherPlace) {
  const Compiled result = compile(
      httpOptions("explicit_http_config { http_protocol_options {} } hash_policy { connection_properties {} }"));
  ASSERT_EQ(result.all.size(), 1u);
  EXPECT_EQ(result.all[0].path,
            "typed_extension_protocol_options[\"envoy.extensions.upstreams.http.v3.HttpProtocolOptions\"]"
            ".hash_policy[0].connection_properties");
}

TEST(CompileClusterTest, TheOlderWayToChooseTheProtocolHolds) {
  const std::string both = "http_protocol_options {} http2_protocol_options {} ";
  EXPECT_EQ(compile(withEndpoint("protocol_selection: USE_DOWNSTREAM_PROTOCOL")).config->protocol,
            upstream::Protocol::kDownstream);
  const Compiled of_request = compile(
      withEndpoint("protocol_selection: USE_DOWNSTREAM_PROTOCOL http_protocol_options { enable_trailers: true } "
                   "http2_protocol_options { max_concurrent_streams { value: 7 } }"));
  EXPECT_EQ(of_request.config->protocol, upstream::Protocol::kDownstream);
  EXPECT_TRUE(of_request.config->h1.enable_trailers);
  EXPECT_EQ(of_request.config->h2.max_concurrent_streams, 7u);
  EXPECT_EQ(
      compile(withEndpoint("protocol_selection: USE_CONFIGURED_PROTOCOL http2_protocol_options {}")).config->protocol,
      upstream::Protocol::kHttp2);
  const Compiled one_too_many = compile(withEndpoint(both));
  ASSERT_EQ(one_too_many.all.size(), 1u);
  EXPECT_EQ(one_too_many.all[0].message,
            "given beside http_protocol_options; allowed: one of the two, or both with protocol_selection "
            "USE_DOWNSTREAM_PROTOCOL");
  const Compiled two_ways = compile(httpOptions("explicit_http_config { http_protocol_options {} }") +
                                    " protocol_selection: USE_DOWNSTREAM_PROTOCOL");
  ASSERT_EQ(two_ways.all.size(), 1u);
  EXPECT_NE(two_ways.all[0].message.find("allowed: one of the two ways"), std::string::npos);
  const Compiled unknown = compile(withEndpoint("protocol_selection: 7"));
  ASSERT_EQ(unknown.all.size(), 1u);
  EXPECT_EQ(unknown.all[0].message, "7; allowed: USE_CONFIGURED_PROTOCOL, USE_DOWNSTREAM_PROTOCOL");
}

}  // namespace
}  // namespace weir::extensions
