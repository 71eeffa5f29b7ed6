#include "source/config/validator.h"

#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include "source/config/linked_types.h"
#include "test/config/loading.h"
#include "weir/options.pb.h"

namespace weir::config {
namespace {

void parseAll(const google::protobuf::Descriptor& type, int& rules) {
  for (int i = 0; i < type.field_count(); ++i) {
    const std::string& text = type.field(i)->options().GetExtension(::weir::rule);
    if (text.empty()) continue;
    ++rules;
    EXPECT_TRUE(parseRule(text).ok()) << type.field(i)->full_name() << ": " << parseRule(text).status();
  }
  for (int i = 0; i < type.nested_type_count(); ++i) parseAll(*type.nested_type(i), rules);
}

TEST(Rules, EveryRuleOfEveryLinkedMessageIsUnderstood) {
  int rules = 0;
  for (const auto* file : linkedFiles()) {
    for (int i = 0; i < file->message_type_count(); ++i) parseAll(*file->message_type(i), rules);
  }
  EXPECT_GT(rules, 80);
}

TEST(Rules, WhatIsNotUnderstoodIsAnError) {
  for (const char* text :
       {"string { no_such: 1 }", "hedgehog { gt: 1 }", "string { min_len: x }", "string { min_len: 1", "string",
        "uint32 { gte: }", "string { pattern: \"[\" }", "}", "repeated { items: 1 }", "enum { defined_only: maybe }",
        "string { well_known_regex: UUID }"}) {
    EXPECT_FALSE(parseRule(text).ok()) << text;
  }
}

TEST(Rules, PairsOfAMapAreCountedLikeItems) {
  EXPECT_EQ(parseRule("map { min_pairs: 2 }")->min_items, 2);
  EXPECT_FALSE(parseRule("map { min_items: 2 }").ok());
}

TEST(Rules, LengthsCountCharactersOrBytes) {
  const Rule rule = *parseRule("string { min_len: 2 max_len: 3 max_bytes: 5 }");
  EXPECT_EQ(brokenBy(rule, "\xC3\xA9\xC3\xA9"), "");
  EXPECT_EQ(brokenBy(rule, "\xC3\xA9"), "saw 1 characters; must be at least 2");
  EXPECT_EQ(brokenBy(rule, "abcd"), "saw 4 characters; must be at most 3");
  EXPECT_EQ(brokenBy(rule, "\xC3\xA9\xC3\xA9\xC3\xA9"), "saw 6 bytes; must be at most 5");
  EXPECT_EQ(brokenBy(rule, ""), "is missing or empty; it is required");
}

TEST(Rules, HeaderTextIsFreeOfLineEnds) {
  const Rule name = *parseRule("string { well_known_regex: HTTP_HEADER_NAME strict: false }");
  EXPECT_EQ(brokenBy(name, "x y"), "");
  EXPECT_EQ(brokenBy(name, ""), "is empty; a header name has at least one character");
  EXPECT_EQ(brokenBy(name, "a\nb"), "has the byte 0x0a; a header name is free of NUL, CR and LF");
  const Rule value = *parseRule("string { well_known_regex: HTTP_HEADER_VALUE strict: false }");
  EXPECT_EQ(brokenBy(value, ""), "");
  EXPECT_EQ(brokenBy(value, std::string("a\0b", 3)), "has the byte 0x00; a header value is free of NUL, CR and LF");
}

TEST(Rules, BoundsAreWordsAndExactAtTheLimit) {
  const auto broken = [](const char* rule, long double number) { return brokenBy(*parseRule(rule), number, ""); };
  EXPECT_EQ(broken("uint32 { lte: 8192 gt: 0 }", 8192), "");
  EXPECT_EQ(broken("uint32 { lte: 8192 gt: 0 }", 8193), "saw 8193; must be greater than 0 and at most 8192");
  EXPECT_EQ(broken("uint32 { lte: 9 gte: 1 }", 0), "saw 0; must be from 1 to 9");
  EXPECT_EQ(brokenBy(*parseRule("string { in: \"LH\" in: \"UH\" }"), "LX"), "saw \"LX\"; must be one of LH, UH");
  EXPECT_EQ(broken("double { lte: 1.5 }", 1.75), "saw 1.75; must be at most 1.5");
  EXPECT_EQ(broken("uint64 { lt: 18446744073709551615 }", 18446744073709551614.0L), "");
  EXPECT_EQ(brokenBy(*parseRule("duration { gte { nanos: 1000000 } }"), 0, "s"), "saw 0s; must be at least 0.001s");
}

struct Case {
  const char* name;
  std::string text;
  std::string report;  // "" where the configuration is right
};

class Validation : public testing::TestWithParam<Case> {};

TEST_P(Validation, ReportsThePlace) {
  const std::string& report = GetParam().report;
  EXPECT_EQ(load(GetParam().text).report, report.empty() ? "" : "t.yaml:" + report + "\n");
}

std::string port(const std::string& number) {
  return "admin: {address: {socket_address: {address: '::1', port_value: " + number + "}}}";
}

const std::string kHcm = "static_resources.listeners[0].filter_chains[0].filters[0].typed_config.";
const std::string kRoute = kHcm + "route_config.virtual_hosts[0].routes[0].";

INSTANTIATE_TEST_SUITE_P(
    Table, Validation,
    testing::Values(
        Case{"NumberAtTheLimit", port("65535"), ""},
        Case{"NumberAboveTheLimit", port("65536"),
             "1:64: admin.address.socket_address.port_value: saw 65536; must be at most 65535"},
        Case{"RequiredString", "static_resources: {clusters: [{alt_stat_name: x}]}",
             "1:31: static_resources.clusters[0].name: is missing or empty; it is required"},
        Case{"OneofOfOne", "admin: {address: {socket_address: {address: a}}}",
             "1:19: admin.address.socket_address: 'port_value' is missing; it is required"},
        Case{"OneofOfMany", "admin: {address: {}}",
             "1:9: admin.address: nothing of socket_address, pipe is given; one of them is required"},
        Case{"RequiredMessage", withRoute("{route: {cluster: c}}"),
             "14:24: " + kRoute + "match: is missing; it is required"},
        Case{"TooFewItems", withHcm("          stat_prefix: s\n          route_config: {virtual_hosts: [{name: v}]}\n"),
             "10:42: " + kHcm + "route_config.virtual_hosts[0].domains: saw 0 items; must have at least 1"},
        Case{"ItemRule", withRoute("{match: {prefix: /}, route: {cluster: c}, request_headers_to_remove: [\"a\\nb\"]}"),
             "14:94: " + kRoute +
                 "request_headers_to_remove[0]: has the byte 0x0a; a header name is free of NUL, CR and LF"},
        Case{"WrapperRule", withCluster("    least_request_lb_config: {choice_count: 1}\n"),
             "4:45: static_resources.clusters[0].least_request_lb_config.choice_count: saw 1; must be at least 2"},
        Case{"UnsetWrapperKeepsItsRule", withCluster("    least_request_lb_config: {}\n"), ""},
        Case{"EnumNumberOutOfRange", withCluster("    lb_policy: 4\n"),
             "4:16: static_resources.clusters[0].lb_policy: saw 4; must be one of ROUND_ROBIN, LEAST_REQUEST, "
             "RING_HASH, RANDOM, MAGLEV, CLUSTER_PROVIDED, LOAD_BALANCING_POLICY_CONFIG"},
        Case{"DurationMustBePositive", withCluster("    connect_timeout: 0s\n"),
             "4:22: static_resources.clusters[0].connect_timeout: saw 0s; must be greater than 0s"},
        Case{"DurationWithoutRuleIsNotNegative", withRoute("{match: {prefix: /}, route: {cluster: c, timeout: -0.5s}}"),
             "14:74: " + kRoute + "route.timeout: saw -0.5s; a duration may not be negative"},
        Case{"PatternRule", withRoute("{match: {path_separated_prefix: /a/}, route: {cluster: c}}"),
             "14:56: " + kRoute + "match.path_separated_prefix: saw \"/a/\"; must match ^[^?#]+[^?#/]$"},
        Case{"InsideAnAnyOfAMap",
             withRoute("{match: {prefix: /}, route: {cluster: c}, typed_per_filter_config: {f: {'@type': "
                       "a/envoy.extensions.filters.http.buffer.v3.BufferPerRoute, buffer: {max_request_bytes: 0}}}}"),
             "14:191: " + kRoute +
                 "typed_per_filter_config[\"f\"].buffer.max_request_bytes: saw 0; must be greater than 0"}),
    [](const testing::TestParamInfo<Case>& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace weir::config
