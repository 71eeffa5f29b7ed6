// Buckets for requests that are described in a certain way, and for connections.
#include "gtest/gtest.h"
#include "source/extensions/filters/http/local_ratelimit/local_ratelimit.h"
#include "test/harness/filter/filter_harness.h"

namespace weir::extensions::local_ratelimit {
namespace {

using harness::Fields;
using harness::FilterHarness;

std::string bucket(int tokens) {
  return "token_bucket { max_tokens: " + std::to_string(tokens) + " fill_interval { seconds: 60 } } ";
}
std::string descriptor(const std::string& key, const std::string& value, int tokens) {
  return "descriptors { entries { key: '" + key + "' value: '" + value + "' } " + bucket(tokens) + "} ";
}
std::string limit(int tokens, const std::string& more) {
  return "stat_prefix: 'edge' filter_enabled { default_value { numerator: 100 } } filter_enforced { default_value { "
         "numerator: 100 } } " +
         bucket(tokens) + more;
}
std::string actions(const std::string& list) { return "rate_limits { actions { " + list + " } } "; }
const std::string kByUser = "request_headers { header_name: 'X-User' descriptor_key: 'user' }";
const std::string kUser = actions(kByUser);

int passed(FilterHarness& h, int requests, Fields fields) {
  int count = 0;
  for (int i = 0; i < requests; ++i) count += h.get(fields)->status() == 200 ? 1 : 0;
  return count;
}

TEST(DescriptorsTest, ARequestDrawsFromTheBucketOfItsDescriptorAndThatOfAll) {
  FilterHarness h(localRatelimitType(), limit(5, descriptor("user", "ann", 2) + kUser));
  EXPECT_EQ(passed(h, 4, {{"x-user", "ann"}}), 2);
  EXPECT_EQ(passed(h, 4, {{"x-user", "bob"}}), 3);  // has none of its own; two of five are gone
  EXPECT_EQ(passed(h, 1, {}), 0);
}

TEST(DescriptorsTest, OrOnlyFromItsOwn) {
  FilterHarness h(localRatelimitType(), limit(1, descriptor("user", "ann", 3) + kUser +
                                                     "always_consume_default_token_bucket { value: false }"));
  EXPECT_EQ(passed(h, 4, {{"x-user", "ann"}}), 3);
  EXPECT_EQ(passed(h, 4, {{"x-user", "bob"}}), 1);
}

TEST(DescriptorsTest, EachActionSaysWhatItKnows) {
  struct Case {
    const char* action;
    const char* key;
    const char* value;
    bool described;
  };
  const Case cases[] = {
      {"generic_key { descriptor_value: 'all' }", "generic_key", "all", true},
      {"generic_key { descriptor_value: 'all' descriptor_key: 'k' }", "k", "all", true},
      {"remote_address {}", "remote_address", "192.0.2.1", true},
      {"masked_remote_address { v4_prefix_mask_len { value: 24 } }", "masked_remote_address", "192.0.2.0/24", true},
      {"masked_remote_address { }", "masked_remote_address", "192.0.2.1/32", true},
      {"destination_cluster {}", "destination_cluster", "cluster", true},
      {"request_headers { header_name: ':path' descriptor_key: 'path' }", "path", "/path?query", true},
      {"request_headers { header_name: 'absent' descriptor_key: 'a' }", "a", "x", false},
      {"header_value_match { descriptor_value: 'get' headers { name: ':method' string_match { exact: 'GET' } } }",
       "header_match", "get", true},
      {"header_value_match { descriptor_value: 'put' headers { name: ':method' string_match { exact: 'PUT' } } }",
       "header_match", "put", false},
      {"header_value_match { descriptor_value: 'no' expect_match { } headers { name: 'absent' present_match: true } }",
       "header_match", "no", true},
      {"query_parameter_value_match { descriptor_value: 'q' query_parameters { name: 'query' } }", "query_match", "q",
       true},
      {"query_parameter_value_match { descriptor_value: 'q' query_parameters { name: 'other' } }", "query_match", "q",
       false},
      {"query_parameter_value_match { descriptor_value: 'q' descriptor_key: 'k' expect_match { } query_parameters { "
       "name: 'query' string_match { exact: 'x' } } }",
       "k", "q", true},
      {"query_parameter_value_match { descriptor_value: 'q' query_parameters { name: 'other' present_match: false } }",
       "query_match", "q", true},
      {"remote_address_match { descriptor_value: 'near' address_matcher { ranges { address_prefix: '192.0.2.0' "
       "prefix_len { value: 24 } } } }",
       "remote_address_match", "near", true},
      {"remote_address_match { descriptor_value: 'far' descriptor_key: 'k' address_matcher { ranges { address_prefix: "
       "'192.0.2.0' prefix_len { value: 24 } } invert_match: true } }",
       "k", "far", false},
      {"remote_address_match { descriptor_value: 'far' address_matcher { ranges { address_prefix: '10.0.0.0' "
       "prefix_len { value: 8 } } invert_match: true } }",
       "remote_address_match", "far", true},
  };
  for (const Case& one : cases) {
    FilterHarness h(localRatelimitType(), limit(100, descriptor(one.key, one.value, 1) + actions(one.action)));
    EXPECT_EQ(passed(h, 3, {}), one.described ? 1 : 3) << one.action;
  }
}

TEST(DescriptorsTest, AnAbsentHeaderMayBeLeftOut) {
  const std::string both =
      "rate_limits { actions { generic_key { descriptor_value: 'all' } } actions { request_headers { header_name: 'a' "
      "descriptor_key: 'a' skip_if_absent: true } } } ";
  FilterHarness h(localRatelimitType(), limit(100, descriptor("generic_key", "all", 1) + both));
  EXPECT_EQ(passed(h, 3, {}), 1);
  EXPECT_EQ(passed(h, 3, {{"a", "1"}}), 3);  // described by two entries, which no bucket is for
}

TEST(DescriptorsTest, TheRulesMayBeThoseOfTheRoute) {
  FilterHarness h(localRatelimitType(), limit(100, descriptor("generic_key", "all", 1) + "stage: 1"));
  h.route.rate_limits.push_back({.stage = 0, .actions = {{.key = "generic_key", .value = "all"}}});
  EXPECT_EQ(passed(h, 3, {}), 3);  // of another stage
  h.route.rate_limits.front().stage = 1;
  EXPECT_EQ(passed(h, 3, {}), 1);
}

TEST(DescriptorsTest, RulesOfTheVirtualHostStandBehindThoseOfTheRouteOrBesideThem) {
  const auto counted = [](const std::string& option, bool route_has_some) {
    FilterHarness h(localRatelimitType(),
                    limit(100, descriptor("generic_key", "route", 50) + descriptor("generic_key", "host", 3) + option));
    if (route_has_some) h.route.rate_limits.push_back({.actions = {{.key = "generic_key", .value = "route"}}});
    h.route.virtual_host_rate_limits.push_back({.actions = {{.key = "generic_key", .value = "host"}}});
    return passed(h, 10, {}) == 3;  // by the bucket of the virtual host's rules
  };
  EXPECT_FALSE(counted("", true));
  EXPECT_TRUE(counted("", false));
  EXPECT_TRUE(counted("vh_rate_limits: INCLUDE", true));
  EXPECT_TRUE(counted("vh_rate_limits: INCLUDE", false));
  EXPECT_FALSE(counted("vh_rate_limits: IGNORE", true));
  EXPECT_FALSE(counted("vh_rate_limits: IGNORE", false));
}

TEST(DescriptorsTest, AConnectionMayHaveBucketsOfItsOwn) {
  FilterHarness h(localRatelimitType(), limit(2, "local_rate_limit_per_downstream_connection: true"));
  for (int connection = 0; connection < 2; ++connection) {
    filter::ConnectionStates states;
    int count = 0;
    for (int i = 0; i < 5; ++i) {
      auto x = h.open();
      x->info.connection_states = &states;
      x->get("/");
      x->settle();
      count += x->terminal_open ? 1 : 0;
    }
    EXPECT_EQ(count, 2);
  }
}

TEST(DescriptorsTest, HeadersTellOfTheBucketWithTheFewestTokens) {
  FilterHarness h(localRatelimitType(),
                  limit(100, descriptor("generic_key", "all", 3) + actions("generic_key { descriptor_value: 'all' }") +
                                 "enable_x_ratelimit_headers: DRAFT_VERSION_03"));
  const auto x = h.get();
  EXPECT_EQ(x->client.head()->headers.get("x-ratelimit-limit"), "3");
  EXPECT_EQ(x->client.head()->headers.get("x-ratelimit-remaining"), "2");
}

TEST(DescriptorsTest, ACallOfGrpcMayBeToldThatResourcesAreExhausted) {
  for (const bool exhausted : {false, true}) {
    FilterHarness h(localRatelimitType(), limit(1, exhausted ? "rate_limited_as_resource_exhausted: true" : ""));
    h.get();
    const auto x = h.get({{"content-type", "application/grpc"}});
    EXPECT_EQ(x->client.head()->headers.get("grpc-status"), exhausted ? "8" : "14");
  }
}

TEST(DescriptorsTest, AnEmptyValueIsABucketForEachValue) {
  FilterHarness h(localRatelimitType(), limit(100, descriptor("user", "", 2) + kUser));
  EXPECT_EQ(passed(h, 4, {{"x-user", "ann"}}), 2);
  EXPECT_EQ(passed(h, 4, {{"x-user", "bob"}}), 2);
  EXPECT_EQ(passed(h, 4, {{"x-user", "ann"}}), 0);
  EXPECT_EQ(passed(h, 4, {}), 4);
}

TEST(DescriptorsTest, TheValueThatWasNotSeenForTheLongestTimeMakesRoom) {
  FilterHarness h(localRatelimitType(),
                  limit(100, descriptor("user", "", 1) + kUser + "max_dynamic_descriptors { value: 2 }"));
  EXPECT_EQ(passed(h, 1, {{"x-user", "ann"}}), 1);
  EXPECT_EQ(passed(h, 1, {{"x-user", "bob"}}), 1);
  EXPECT_EQ(passed(h, 1, {{"x-user", "ann"}}), 0);
  EXPECT_EQ(passed(h, 1, {{"x-user", "eve"}}), 1);  // bob goes
  EXPECT_EQ(passed(h, 1, {{"x-user", "ann"}}), 0);
  EXPECT_EQ(passed(h, 1, {{"x-user", "bob"}}), 1);
}

TEST(DescriptorsTest, AShadowOnlyCounts) {
  FilterHarness h(localRatelimitType(),
                  limit(100,
                        "descriptors { entries { key: 'user' value: 'ann' } shadow_mode: true token_bucket { "
                        "max_tokens: 1 fill_interval { seconds: 60 } } } " +
                            std::string(kUser)));
  EXPECT_EQ(passed(h, 3, {{"x-user", "ann"}}), 3);
  EXPECT_EQ(h.world.counter("edge.http_local_rate_limit.shadow_mode"), 2u);
  EXPECT_EQ(h.world.counter("edge.http_local_rate_limit.rate_limited"), 0u);
}

TEST(DescriptorsTest, WhatARequestHasCostMayBeCountedInTheEnd) {
  const std::string cost = "format: '%REQ(x-cost)%'";
  for (const char* value : {"all", ""}) {
    FilterHarness h(localRatelimitType(),
                    limit(1000, descriptor("user", value, 10) + actions(kByUser) + "rate_limits { actions { " +
                                    kByUser + " } apply_on_stream_done: true hits_addend { " + cost + " } } "));
    const Fields cheap = {{"x-user", "all"}}, dear = {{"x-user", "all"}, {"x-cost", "7"}};
    EXPECT_EQ(passed(h, 1, dear), 1) << value;   // 1, and then 7 of 10
    EXPECT_EQ(passed(h, 1, dear), 1) << value;   // 1, and then what is left
    EXPECT_EQ(passed(h, 1, cheap), 0) << value;  // nothing is
    EXPECT_EQ(h.world.counter("edge.http_local_rate_limit.rate_limited"), 1u);
  }
}

TEST(DescriptorsTest, ARuleSaysWhetherTheClientIsTold) {
  const auto told = [](const std::string& filter, const std::string& rule) {
    FilterHarness h(localRatelimitType(), limit(100, descriptor("user", "ann", 1) + filter +
                                                         " rate_limits { actions { " + kByUser + " } " + rule + " } "));
    std::string seen;
    for (int i = 0; i < 2; ++i) {
      const auto x = h.get({{"x-user", "ann"}});
      seen += x->client.head()->headers.get("x-ratelimit-limit").value_or("-");
    }
    return seen;
  };
  const std::string on = "enable_x_ratelimit_headers: DRAFT_VERSION_03";
  EXPECT_EQ(told("", ""), "--");
  EXPECT_EQ(told(on, ""), "11");
  EXPECT_EQ(told(on, "x_ratelimit_option: OFF"), "--");
  EXPECT_EQ(told("", "x_ratelimit_option: DRAFT_VERSION_03"), "11");
}

TEST(DescriptorsTest, ARequestMayCountForMore) {
  const auto rule = [](const std::string& addend) {
    return "rate_limits { actions { generic_key { descriptor_value: 'all' } } hits_addend { " + addend + " } } ";
  };
  const auto counted = [&](const std::string& addend, harness::Fields fields) {
    FilterHarness h(localRatelimitType(), limit(1000, descriptor("generic_key", "all", 10) + rule(addend)));
    return passed(h, 20, fields);
  };
  EXPECT_EQ(counted("number { value: 5 }", {}), 2);
  EXPECT_EQ(counted("number { value: 0 }", {}), 20);
  EXPECT_EQ(counted("format: '%REQ(x-cost)%'", {{"x-cost", "3"}}), 3);
  EXPECT_EQ(counted("format: '%REQ(x-cost)%'", {{"x-cost", "much"}}), 20);
  EXPECT_EQ(counted("format: '%REQ(x-cost)%'", {}), 20);
}

}  // namespace
}  // namespace weir::extensions::local_ratelimit
