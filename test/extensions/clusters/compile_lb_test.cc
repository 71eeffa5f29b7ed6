#include "source/extensions/clusters/compile_lb.h"

#include <google/protobuf/text_format.h>

#include <string>
#include <vector>

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "gtest/gtest.h"
#include "source/extensions/clusters/compile_endpoints.h"

namespace weir::extensions {
namespace {

using envoy::config::cluster::v3::Cluster;
using upstream::lb::PolicyKind;
using Fallback = upstream::lb::SubsetIndex::Fallback;

struct Compiled {
  upstream::lb::Options options;
  std::vector<base::Diagnostic> all;
};

Cluster parse(const std::string& text) {
  Cluster message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

Compiled compile(const std::string& text) {
  base::Diagnostics diagnostics;
  Compiled result;
  compileLb(parse(text), false, result.options, diagnostics, base::FieldPath());
  result.all = diagnostics.all();
  return result;
}

TEST(CompileLbTest, TheDefaultsAreThoseOfTheApi) {
  const Compiled result = compile("");
  EXPECT_TRUE(result.all.empty());
  EXPECT_EQ(result.options.policy, PolicyKind::kRoundRobin);
  EXPECT_EQ(result.options.panic_threshold, 50);
  EXPECT_EQ(result.options.overprovisioning_percent, 140u);
  EXPECT_EQ(result.options.subsets, nullptr);
  EXPECT_FALSE(result.options.locality_weighted);
}

TEST(CompileLbTest, LocalitiesKeepTheirTraffic) {
  const auto usual = compile("common_lb_config { zone_aware_lb_config {} }");
  EXPECT_TRUE(usual.all.empty());
  ASSERT_TRUE(usual.options.zone_aware.has_value());
  EXPECT_EQ(usual.options.zone_aware->routing_enabled, 100);
  EXPECT_EQ(usual.options.zone_aware->min_cluster_size, 6u);
  EXPECT_FALSE(usual.options.zone_aware->force_local_above.has_value());
  EXPECT_FALSE(usual.options.fail_in_panic);
  const auto own = compile(R"(common_lb_config { zone_aware_lb_config { routing_enabled { value: 30 }
      min_cluster_size { value: 3 } fail_traffic_on_panic: true } })");
  EXPECT_EQ(own.options.zone_aware->routing_enabled, 30);
  EXPECT_EQ(own.options.zone_aware->min_cluster_size, 3u);
  EXPECT_TRUE(own.options.fail_in_panic);
  const auto hash = compile("lb_policy: RING_HASH common_lb_config { zone_aware_lb_config {} }");
  ASSERT_EQ(hash.all.size(), 1u);
  EXPECT_EQ(hash.all[0].message, "has no effect; it belongs to lb_policy ROUND_ROBIN, LEAST_REQUEST or RANDOM");
}

TEST(CompileLbTest, PoliciesTakeTheirOptions) {
  const auto least = compile(R"(lb_policy: LEAST_REQUEST least_request_lb_config {
      choice_count { value: 3 } active_request_bias { default_value: 0.5 }
      slow_start_config { slow_start_window { seconds: 60 } aggression { default_value: 2 }
                          min_weight_percent { value: 20 } } })");
  EXPECT_TRUE(least.all.empty());
  EXPECT_EQ(least.options.policy, PolicyKind::kLeastRequest);
  EXPECT_EQ(least.options.choice_count, 3u);
  EXPECT_EQ(least.options.active_request_bias, 0.5);
  EXPECT_EQ(least.options.slow_start.window, absl::Minutes(1));
  EXPECT_EQ(least.options.slow_start.aggression, 2);
  EXPECT_EQ(least.options.slow_start.min_weight_percent, 20);
  const auto ring = compile(R"(lb_policy: RING_HASH
      ring_hash_lb_config { minimum_ring_size { value: 512 } maximum_ring_size { value: 2048 } }
      common_lb_config { consistent_hashing_lb_config {
        use_hostname_for_hashing: true hash_balance_factor { value: 150 } } })");
  EXPECT_TRUE(ring.all.empty());
  EXPECT_EQ(ring.options.policy, PolicyKind::kRingHash);
  EXPECT_EQ(ring.options.ring.min, 512u);
  EXPECT_EQ(ring.options.ring.max, 2048u);
  EXPECT_TRUE(ring.options.hash_by_hostname);
  EXPECT_EQ(ring.options.hash_balance_factor, 150u);
  const auto maglev = compile("lb_policy: MAGLEV maglev_lb_config { table_size { value: 251 } }");
  EXPECT_EQ(maglev.options.policy, PolicyKind::kMaglev);
  EXPECT_EQ(maglev.options.table_size, 251u);
  EXPECT_EQ(compile("round_robin_lb_config { slow_start_config { slow_start_window { seconds: 5 } } }")
                .options.slow_start.window,
            absl::Seconds(5));
}

TEST(CompileLbTest, SubsetsKeepSelectorsAndFallbacks) {
  const auto result = compile(R"(lb_subset_config { fallback_policy: DEFAULT_SUBSET
      default_subset { fields { key: 'v' value { string_value: '1' } } }
      subset_selectors { keys: 'v' keys: 'stage' fallback_policy: KEYS_SUBSET fallback_keys_subset: 'stage' }
      subset_selectors { keys: 'stage' single_host_per_subset: true } })");
  EXPECT_TRUE(result.all.empty());
  ASSERT_NE(result.options.subsets, nullptr);
  EXPECT_EQ(result.options.subsets->fallback, Fallback::kDefaultSubset);
  EXPECT_EQ(result.options.subsets->default_subset, (upstream::lb::Metadata{{"v", "\"1\""}}));
  ASSERT_EQ(result.options.subsets->selectors.size(), 2u);
  EXPECT_EQ(result.options.subsets->selectors[0].fallback, Fallback::kFewerKeys);
  EXPECT_FALSE(result.options.subsets->selectors[1].fallback.has_value());
  EXPECT_TRUE(result.options.subsets->selectors[1].single_host);
  EXPECT_EQ(compile("lb_subset_config { fallback_policy: ANY_ENDPOINT }").options.subsets, nullptr);
}

TEST(CompileLbTest, CommonOptionsAndThePolicyOfTheAssignment) {
  const auto result =
      compile(R"(common_lb_config { healthy_panic_threshold { value: 0 } locality_weighted_lb_config {} }
      load_assignment { policy { overprovisioning_factor { value: 100 } weighted_priority_health: true } })");
  EXPECT_TRUE(result.all.empty());
  EXPECT_EQ(result.options.panic_threshold, 0);
  EXPECT_TRUE(result.options.locality_weighted);
  EXPECT_EQ(result.options.overprovisioning_percent, 100u);
  EXPECT_TRUE(result.options.weighted_priority_health);
}

std::string policy(const std::string& name, const std::string& body) {
  return "load_balancing_policy { policies { typed_extension_config { name: 'p' typed_config { [type.googleapis.com/" +
         name + "] {" + body + "} } } } }";
}

std::string envoyPolicy(const std::string& name, const std::string& body) {
  return policy("envoy.extensions.load_balancing_policies." + name, body);
}

TEST(CompileLbTest, TypedPoliciesTakeThePlaceOfTheOlderField) {
  const auto least =
      compile("lb_policy: LOAD_BALANCING_POLICY_CONFIG " +
              envoyPolicy("least_request.v3.LeastRequest",
                          "choice_count { value: 4 } locality_lb_config { locality_weighted_lb_config {} }"
                          "slow_start_config { slow_start_window { seconds: 9 } }"));
  EXPECT_TRUE(least.all.empty());
  EXPECT_EQ(least.options.policy, PolicyKind::kLeastRequest);
  EXPECT_EQ(least.options.choice_count, 4u);
  EXPECT_EQ(least.options.slow_start.window, absl::Seconds(9));
  EXPECT_TRUE(least.options.locality_weighted);
  const auto named = compile(envoyPolicy(
      "override_host.v3.OverrideHost",
      "override_host_sources { header: 'X-Host' } override_host_sources { header: 'x-b' } fallback_policy { policies { "
      "typed_extension_config { typed_config { "
      "[type.googleapis.com/envoy.extensions.load_balancing_policies.random.v3.Random] {} } } } }"));
  EXPECT_TRUE(named.all.empty());
  EXPECT_EQ(named.options.policy, PolicyKind::kRandom);
  EXPECT_EQ(named.options.override_headers, (std::vector<std::string>{"x-host", "x-b"}));
  const auto zones = compile(envoyPolicy("random.v3.Random", R"(locality_lb_config { zone_aware_lb_config {
      routing_enabled { value: 50 } min_cluster_size { value: 2 } force_local_zone { min_size { value: 4 } } } })"));
  EXPECT_TRUE(zones.all.empty());
  EXPECT_EQ(zones.options.zone_aware->routing_enabled, 50);
  EXPECT_EQ(zones.options.zone_aware->min_cluster_size, 2u);
  EXPECT_EQ(zones.options.zone_aware->force_local_above, 4u);
  const struct {
    std::string text;
    PolicyKind kind;
  } kKinds[] = {
      {envoyPolicy("round_robin.v3.RoundRobin", ""), PolicyKind::kRoundRobin},
      {envoyPolicy("random.v3.Random", ""), PolicyKind::kRandom},
      {envoyPolicy("ring_hash.v3.RingHash", "minimum_ring_size { value: 9 }"), PolicyKind::kRingHash},
      {envoyPolicy("maglev.v3.Maglev", "table_size { value: 251 }"), PolicyKind::kMaglev},
      {envoyPolicy("pick_first.v3.PickFirst", "shuffle_address_list: true"), PolicyKind::kPickFirst},
      {policy("weir.extensions.load_balancing_policies.peak_ewma.v1.PeakEwma", "decay_time { seconds: 5 }"),
       PolicyKind::kPeakEwma},
      {envoyPolicy("wrr_locality.v3.WrrLocality",
                   "endpoint_picking_policy { policies { typed_extension_config { name: 'q' typed_config { "
                   "[type.googleapis.com/envoy.extensions.load_balancing_policies.random.v3.Random] {} } } } }"),
       PolicyKind::kRandom},
      {envoyPolicy("subset.v3.Subset",
                   "fallback_policy: DEFAULT_SUBSET default_subset { fields { key: 'v' value { number_value: 1 } } } "
                   "subset_selectors { keys: 'v' fallback_policy: ANY_ENDPOINT } subset_lb_policy { policies { "
                   "typed_extension_config { name: 'q' typed_config { "
                   "[type.googleapis.com/envoy.extensions.load_balancing_policies.random.v3.Random] {} } } } }"),
       PolicyKind::kRandom},
  };
  for (const auto& test : kKinds) {
    const auto result = compile(test.text);
    EXPECT_TRUE(result.all.empty()) << test.text;
    EXPECT_EQ(result.options.policy, test.kind) << test.text;
  }
  EXPECT_TRUE(compile(kKinds[6].text).options.locality_weighted);
  const auto subsets = compile(kKinds[7].text).options.subsets;
  ASSERT_NE(subsets, nullptr);
  EXPECT_EQ(subsets->fallback, upstream::lb::SubsetIndex::Fallback::kDefaultSubset);
  EXPECT_EQ(subsets->default_subset, (upstream::lb::Metadata{{"v", "1"}}));
  ASSERT_EQ(subsets->selectors.size(), 1u);
  EXPECT_EQ(subsets->selectors[0].keys, std::vector<std::string>{"v"});
  EXPECT_EQ(subsets->selectors[0].fallback, upstream::lb::SubsetIndex::Fallback::kAnyHost);
  EXPECT_NE(compile(kKinds[4].text).options.shuffle_seed, 0u);
  EXPECT_EQ(compile(kKinds[5].text).options.latency.decay, absl::Seconds(5));
}

TEST(CompileLbTest, TypedPoliciesThatMakeNoSenseAreRefused) {
  for (const std::string& text :
       {std::string("load_balancing_policy {}"), policy("envoy.config.cluster.v3.CircuitBreakers", ""),
        policy("weir.extensions.load_balancing_policies.peak_ewma.v1.PeakEwma", "decay_time {}"),
        envoyPolicy("maglev.v3.Maglev", "table_size { value: 4 }"),
        envoyPolicy("wrr_locality.v3.WrrLocality", "endpoint_picking_policy {}"),
        envoyPolicy("subset.v3.Subset", "subset_lb_policy {}")}) {
    EXPECT_EQ(compile(text).all.size(), 1u) << text;
  }
}

TEST(CompileLbTest, WhatContradictsItselfIsRefused) {
  const struct {
    const char* text;
    const char* path;
    const char* message;
  } kCases[] = {
      {"lb_policy: CLUSTER_PROVIDED", "lb_policy", "allowed where the cluster chooses the host"},
      {"lb_policy: LOAD_BALANCING_POLICY_CONFIG", "lb_policy", "allowed beside load_balancing_policy"},
      {"lb_policy: RING_HASH ring_hash_lb_config { minimum_ring_size { value: 9 } maximum_ring_size { value: 8 } }",
       "ring_hash_lb_config.maximum_ring_size", "8 is below minimum_ring_size, 9"},
      {"lb_policy: MAGLEV maglev_lb_config { table_size { value: 65536 } }", "maglev_lb_config.table_size",
       "65536 is not a prime"},
      {"lb_policy: LEAST_REQUEST least_request_lb_config { active_request_bias { default_value: -1 } }",
       "least_request_lb_config.active_request_bias.default_value", "-1; allowed: 0 and above"},
      {"round_robin_lb_config { slow_start_config { aggression { default_value: 0 } } }",
       "round_robin_lb_config.slow_start_config.aggression.default_value", "numbers above 0"},
      {"lb_subset_config { subset_selectors {} }", "lb_subset_config.subset_selectors[0].keys", "one or more"},
      {"lb_subset_config { subset_selectors { keys: 'a' fallback_policy: KEYS_SUBSET fallback_keys_subset: 'a' } }",
       "lb_subset_config.subset_selectors[0].fallback_keys_subset", "some of them, not all"},
      {"lb_subset_config { subset_selectors { keys: 'a' fallback_keys_subset: 'a' } }",
       "lb_subset_config.subset_selectors[0].fallback_keys_subset", "KEYS_SUBSET"},
      {"lb_subset_config { subset_selectors { keys: 'a' keys: 'b' single_host_per_subset: true } }",
       "lb_subset_config.subset_selectors[0].single_host_per_subset", "one key alone"},
  };
  for (const auto& test : kCases) {
    const Compiled result = compile(test.text);
    ASSERT_EQ(result.all.size(), 1u) << test.text;
    EXPECT_EQ(result.all[0].severity, base::Diagnostic::Severity::kError);
    EXPECT_EQ(result.all[0].path, test.path);
    EXPECT_NE(result.all[0].message.find(test.message), std::string::npos) << result.all[0].message;
  }
}

TEST(CompileLbTest, OptionsOfAnotherPolicyAreAWarning) {
  for (const char* text :
       {"least_request_lb_config {}", "ring_hash_lb_config {}", "maglev_lb_config {}",
        "lb_policy: RANDOM round_robin_lb_config {}", "common_lb_config { consistent_hashing_lb_config {} }",
        "lb_policy: RING_HASH ring_hash_lb_config { hash_function: MURMUR_HASH_2 }"}) {
    const Compiled result = compile(text);
    ASSERT_EQ(result.all.size(), 1u) << text;
    EXPECT_EQ(result.all[0].severity, base::Diagnostic::Severity::kWarning) << text;
  }
}

TEST(CompileEndpointsTest, PriorityLocalityAndMetadataAreKept) {
  const Cluster message = parse(R"(load_assignment { endpoints {
      priority: 2 load_balancing_weight { value: 7 } locality { region: 'r' zone: 'z' sub_zone: 's' }
      lb_endpoints { health_status: DEGRADED
        metadata { filter_metadata { key: 'envoy.lb' value { fields { key: 'v' value { number_value: 2 } } } } }
        endpoint { address { socket_address { address: '10.0.0.1' port_value: 80 } } } } }
      endpoints { lb_endpoints { endpoint { address { socket_address { address: '10.0.0.2' port_value: 80 } } } } } })");
  base::Diagnostics diagnostics;
  const auto hosts = compileEndpoints(message.load_assignment(), diagnostics, base::FieldPath());
  ASSERT_EQ(hosts.size(), 2u);
  ASSERT_NE(hosts[0].group, nullptr);
  EXPECT_EQ(hosts[0].group->priority, 2u);
  EXPECT_EQ(hosts[0].group->weight, 7u);
  EXPECT_EQ(hosts[0].group->locality, (upstream::Locality{"r", "z", "s"}));
  EXPECT_EQ(hosts[0].health, upstream::HostHealth::kDegraded);
  ASSERT_NE(hosts[0].metadata, nullptr);
  EXPECT_EQ(*hosts[0].metadata, (upstream::lb::Metadata{{"v", "2"}}));
  EXPECT_EQ(hosts[1].group, nullptr);
  EXPECT_EQ(hosts[1].metadata, nullptr);
}

}  // namespace
}  // namespace weir::extensions
