// Every leniency that real files lean on: two spellings of one configuration load to equal messages, without a word.
#include <gtest/gtest.h>

#include "test/config/loading.h"

namespace weir::config {
namespace {

struct Case {
  const char* name;
  std::string lenient;
  std::string plain;
};

class Leniency : public testing::TestWithParam<Case> {};

TEST_P(Leniency, LoadsLikeThePlainForm) {
  const Loaded lenient = load(GetParam().lenient);
  const Loaded plain = load(GetParam().plain);
  EXPECT_EQ(lenient.report, "");
  EXPECT_EQ(plain.report, "");
  EXPECT_EQ(lenient.config.bootstrap.DebugString(), plain.config.bootstrap.DebugString());
  EXPECT_GT(plain.config.bootstrap.ByteSizeLong(), 0u);
}

INSTANTIATE_TEST_SUITE_P(
    Table, Leniency,
    testing::Values(
        Case{"CamelCase", "staticResources: {clusters: [{name: c, connectTimeout: 1s, lbPolicy: RANDOM}]}",
             "static_resources: {clusters: [{name: c, connect_timeout: 1s, lb_policy: RANDOM}]}"},
        Case{"EnumInLowerCase", withCluster("    lb_policy: least_request\n"),
             withCluster("    lb_policy: LEAST_REQUEST\n")},
        Case{"EnumInMixedCaseWithDash", withCluster("    lb_policy: Least-Request\n"),
             withCluster("    lb_policy: LEAST_REQUEST\n")},
        Case{"EnumAsNumber", withCluster("    lb_policy: 1\n"), withCluster("    lb_policy: LEAST_REQUEST\n")},
        Case{"EnumAsQuotedNumber", withCluster("    lb_policy: '1'\n"), withCluster("    lb_policy: LEAST_REQUEST\n")},
        Case{"OneObjectForAList", withCluster("    circuit_breakers: {thresholds: {max_requests: 3}}\n"),
             withCluster("    circuit_breakers: {thresholds: [{max_requests: 3}]}\n")},
        Case{"OneScalarForAList",
             withHcm("          stat_prefix: s\n          route_config: {virtual_hosts: {name: v, "
                     "domains: a.example}}\n"),
             withHcm("          stat_prefix: s\n          route_config: {virtual_hosts: [{name: v, domains: "
                     "[a.example]}]}\n")},
        Case{"NestedListsFlatten", withCluster("    circuit_breakers: {thresholds: [[{max_requests: 3}], [[{}]]]}\n"),
             withCluster("    circuit_breakers: {thresholds: [{max_requests: 3}, {}]}\n")},
        Case{"NullListItemIsEmpty", withCluster("    circuit_breakers: {thresholds: [null, {max_requests: 3}]}\n"),
             withCluster("    circuit_breakers: {thresholds: [{}, {max_requests: 3}]}\n")},
        Case{"NullIsNotSet", withCluster("    connect_timeout: ~\n    circuit_breakers:\n    alt_stat_name: null\n"),
             withCluster("")},
        Case{"QuotedNumber", withCluster("    per_connection_buffer_limit_bytes: '32768'\n"),
             withCluster("    per_connection_buffer_limit_bytes: 32768\n")},
        Case{"HexAndOctalNumbers",
             withCluster("    circuit_breakers: {thresholds: [{max_requests: 0x10, max_retries: 010}]}\n"),
             withCluster("    circuit_breakers: {thresholds: [{max_requests: 16, max_retries: 8}]}\n")},
        Case{"WholeNumberWithExponent", withCluster("    per_connection_buffer_limit_bytes: 1e3\n"),
             withCluster("    per_connection_buffer_limit_bytes: 1000\n")},
        Case{"QuotedBoolean", withCluster("    circuit_breakers: {thresholds: [{track_remaining: 'true'}]}\n"),
             withCluster("    circuit_breakers: {thresholds: [{track_remaining: true}]}\n")},
        Case{"YesAndOn",
             withCluster("    circuit_breakers: {thresholds: [{track_remaining: yes}, {track_remaining: "
                         "ON}, {track_remaining: Off}]}\n"),
             withCluster("    circuit_breakers: {thresholds: [{track_remaining: true}, {track_remaining: true}, "
                         "{track_remaining: false}]}\n")},
        Case{"DurationAsObject", withCluster("    connect_timeout: {seconds: 60}\n"),
             withCluster("    connect_timeout: 60s\n")},
        Case{"DurationWithNanos", withCluster("    connect_timeout: {nanos: 250000000}\n"),
             withCluster("    connect_timeout: 0.25s\n")},
        Case{"DurationWithNineDecimals", withCluster("    connect_timeout: 0.250000000s\n"),
             withCluster("    connect_timeout: '.25s'\n")},
        Case{"WrapperAsObject", withCluster("    per_connection_buffer_limit_bytes: {value: 5}\n"),
             withCluster("    per_connection_buffer_limit_bytes: 5\n")},
        Case{"SixtyFourBitsAsString",
             withRoute("{match: {prefix: /, headers: [{name: x, range_match: {start: '1', end: "
                       "'9007199254740993'}}]}, route: {cluster: c}}"),
             withRoute("{match: {prefix: /, headers: [{name: x, range_match: {start: 1, end: 9007199254740993}}]}, "
                       "route: {cluster: c}}")},
        Case{"EmptyAny", withRoute("{match: {prefix: /}, route: {cluster: c}, typed_per_filter_config: {x: {}}}"),
             withRoute("{match: {prefix: /}, route: {cluster: c}, typedPerFilterConfig: {x: {}}}")},
        Case{"TypeUrlHostDoesNotCount",
             withHcm("          stat_prefix: s\n          route_config: {}\n          http_filters: [{name: r, "
                     "typed_config: {'@type': envoy.extensions.filters.http.router.v3.Router}}]\n"),
             withHcm("          stat_prefix: s\n          route_config: {}\n          http_filters: [{name: r, "
                     "typed_config: {'@type': a/b/envoy.extensions.filters.http.router.v3.Router}}]\n")},
        Case{"TypedStruct",
             withHcm("          stat_prefix: s\n          route_config: {}\n          http_filters: [{name: r, "
                     "typed_config: {'@type': type.googleapis.com/udpa.type.v1.TypedStruct, type_url: "
                     "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer, value: "
                     "{max_request_bytes: 7}}}]\n"),
             withHcm("          stat_prefix: s\n          route_config: {}\n          http_filters: [{name: r, "
                     "typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer, "
                     "max_request_bytes: 7}}]\n")},
        Case{"XdsTypedStructWithoutValue",
             withHcm("          stat_prefix: s\n          route_config: {}\n          http_filters: [{name: r, "
                     "typed_config: {'@type': type.googleapis.com/xds.type.v3.TypedStruct, typeUrl: "
                     "envoy.extensions.filters.http.router.v3.Router}}]\n"),
             withHcm("          stat_prefix: s\n          route_config: {}\n          http_filters: [{name: r, "
                     "typed_config: {'@type': /envoy.extensions.filters.http.router.v3.Router}}]\n")},
        Case{"AnchorUnderAnIgnoredKey",
             "!ignore shared: &t {max_requests: 3}\nstatic_resources: {clusters: [{name: c, circuit_breakers: "
             "{thresholds: [*t, *t]}}]}",
             "static_resources: {clusters: [{name: c, circuit_breakers: {thresholds: [{max_requests: 3}, "
             "{max_requests: 3}]}}]}"},
        Case{"BytesInBothAlphabets",
             withRoute("{match: {prefix: /}, direct_response: {status: 200, body: {inline_bytes: _-8=}}}"),
             withRoute("{match: {prefix: /}, direct_response: {status: 200, body: {inline_bytes: /+8=}}}")}),
    [](const testing::TestParamInfo<Case>& info) { return std::string(info.param.name); });

std::string jsonFormat(std::string_view fields) {
  return withHcm(
      "          stat_prefix: s\n          route_config: {}\n          access_log: [{name: a, typed_config: {'@type': "
      "type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog, log_format: {json_format: {" +
      std::string(fields) + "}}}}]\n");
}

TEST(Leniency, StructKeepsBooleansAndSmallIntegersOnly) {
  const Loaded loaded = load(jsonFormat("a: 1, b: 1.5, c: 4294967296, d: on, e: '7', f: ~, g: [x, {h: -1}]"));
  EXPECT_EQ(loaded.report, "");
  const Loaded plain = load(jsonFormat("a: 1, b: '1.5', c: '4294967296', d: true, e: '7', f: null, g: ['x', {h: -1}]"));
  const auto any = [](const Loaded& from) {
    return from.config.bootstrap.static_resources().listeners(0).filter_chains(0).filters(0).typed_config().value();
  };
  EXPECT_EQ(any(loaded), any(plain));
}

TEST(Leniency, NameAloneStandsForRouterAndCorsWithAWarning) {
  const Loaded loaded =
      load(withHcm("          stat_prefix: s\n          route_config: {}\n          http_filters:\n"
                   "          - name: envoy.filters.http.cors\n"
                   "          - name: envoy.filters.http.router\n"));
  EXPECT_TRUE(loaded.ok);
  const std::string at = "static_resources.listeners[0].filter_chains[0].filters[0].typed_config.http_filters";
  EXPECT_EQ(loaded.report, "t.yaml:12:19: warning: " + at +
                               "[0].typed_config: the filter has a name only; taken as '@type': "
                               "type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors\n"
                               "t.yaml:13:19: warning: " +
                               at +
                               "[1].typed_config: the filter has a name only; taken as '@type': "
                               "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router\n");
}

TEST(Leniency, WhatIsOptionalAndUnknownIsLeftOutWithAWarning) {
  const auto filters = [](const char* optional) {
    return withHcm(
        "          stat_prefix: s\n          route_config: {}\n          http_filters:\n"
        "          - {name: x, typed_config: {'@type': type.googleapis.com/a.Filter, any: 1}" +
        std::string(optional) +
        "}\n          - {name: r, typed_config: {'@type': "
        "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}\n");
  };
  const Loaded optional = load(filters(", is_optional: true"));
  EXPECT_TRUE(optional.ok) << optional.report;
  EXPECT_NE(optional.report.find("warning: static_resources.listeners[0].filter_chains[0].filters[0].typed_config."
                                 "http_filters[0].typed_config.@type: left out, as it is optional: "),
            std::string::npos)
      << optional.report;
  EXPECT_FALSE(load(filters("")).ok);
  EXPECT_FALSE(load(filters(", is_optional: false")).ok);
}

TEST(Leniency, DeprecatedFieldLoadsWithTheReplacementNamed) {
  const Loaded loaded = load("admin:\n  access_log_path: /dev/null\n");
  EXPECT_TRUE(loaded.ok);
  EXPECT_EQ(loaded.report,
            "t.yaml:2:3: warning: admin.access_log_path: deprecated; use access_log with a file access log\n");
  EXPECT_NE(loaded.config.bootstrap.DebugString().find("access_log_path: \"/dev/null\""), std::string::npos);
}

}  // namespace
}  // namespace weir::config
