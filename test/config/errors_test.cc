// Every kind of error, as the whole line that the user sees.
#include <gtest/gtest.h>

#include "test/config/loading.h"

namespace weir::config {
namespace {

const std::string kHcm = "static_resources.listeners[0].filter_chains[0].filters[0].typed_config.";
const std::string kRoute = kHcm + "route_config.virtual_hosts[0].routes[0].";

struct Case {
  const char* name;
  std::string text;
  std::string report;  // without "t.yaml:"
};

class Errors : public testing::TestWithParam<Case> {};

TEST_P(Errors, NamesPlaceAndRemedy) {
  const Loaded loaded = load(GetParam().text);
  EXPECT_FALSE(loaded.ok);
  EXPECT_EQ(loaded.report, "t.yaml:" + GetParam().report + "\n");
}

const auto kName = [](const testing::TestParamInfo<Case>& info) { return std::string(info.param.name); };

INSTANTIATE_TEST_SUITE_P(
    Names, Errors,
    testing::Values(
        Case{"MisspeltField", withCluster("    conect_timeout: 1s\n"),
             "4:5: static_resources.clusters[0].conect_timeout: unknown field 'conect_timeout'; did you mean "
             "'connect_timeout'?"},
        Case{"MisspeltCamelCaseField", withCluster("    connecTimeout: 1s\n"),
             "4:5: static_resources.clusters[0].connecTimeout: unknown field 'connecTimeout'; did you mean "
             "'connect_timeout'?"},
        Case{"UnknownFieldOfASmallMessage", "node: {region: x}",
             "1:8: node.region: unknown field 'region'; Node allows id, cluster, metadata, locality"},
        Case{"UnknownFieldOfALargeMessage",
             withHcm("          stat_prefix: s\n          route_config: {}\n          "
                     "zzz: 1\n"),
             "11:11: " + kHcm + "zzz: unknown field 'zzz'; no field of HttpConnectionManager is named so"},
        Case{"KnownFieldOfTheApi", withCluster("    lrs_report_endpoint_metrics: []\n"),
             "4:5: static_resources.clusters[0].lrs_report_endpoint_metrics: 'lrs_report_endpoint_metrics' of Cluster: "
             "known "
             "xDS field, not implemented by weir"},
        Case{"KnownFieldInCamelCase", withCluster("    lrsServer: {}\n"),
             "4:5: static_resources.clusters[0].lrsServer: 'lrsServer' of Cluster: known xDS field, not "
             "implemented by weir"},
        Case{"MergeKey", withCluster("    <<: {}\n"),
             "4:5: static_resources.clusters[0].<<: merge keys ('<<') are not supported; give the fields themselves, "
             "or an alias for all of them"},
        Case{"MisspeltEnumValue", withCluster("    type: STATC\n"),
             "4:11: static_resources.clusters[0].type: unknown value 'STATC'; did you mean 'STATIC'? allowed: STATIC, "
             "STRICT_DNS, LOGICAL_DNS, EDS, ORIGINAL_DST"},
        Case{"UnknownEnumValue", withCluster("    type: HEDGEHOG\n"),
             "4:11: static_resources.clusters[0].type: unknown value 'HEDGEHOG'; allowed: STATIC, STRICT_DNS, "
             "LOGICAL_DNS, EDS, ORIGINAL_DST"},
        Case{"FieldGivenTwiceInTwoSpellings", withCluster("    connect_timeout: 1s\n    connectTimeout: 1s\n"),
             "5:5: static_resources.clusters[0].connect_timeout: 'connectTimeout' and 'connect_timeout' (line 4) are "
             "the same field; give it once"},
        Case{"DuplicateKey", withCluster("    type: STATIC\n    name: d\n"),
             "5:5: static_resources.clusters[0].name: duplicate key 'name' on line 5; it is already given on line 3"},
        Case{"TwoMembersOfAOneof", withRoute("{match: {prefix: /, path: /a}, route: {cluster: c}}"),
             "14:44: " + kRoute + "match.path: 'path' and 'prefix' (line 14) exclude each other; give one of them"}),
    kName);

INSTANTIATE_TEST_SUITE_P(
    Kinds, Errors,
    testing::Values(
        Case{"WordForANumber", withCluster("    per_connection_buffer_limit_bytes: abc\n"),
             "4:40: static_resources.clusters[0].per_connection_buffer_limit_bytes: expected a whole number, found the "
             "string \"abc\""},
        Case{"FractionForAWholeNumber", withCluster("    per_connection_buffer_limit_bytes: 1.5\n"),
             "4:40: static_resources.clusters[0].per_connection_buffer_limit_bytes: expected a whole number, found the "
             "string \"1.5\""},
        Case{"BooleanForANumber", withCluster("    per_connection_buffer_limit_bytes: true\n"),
             "4:40: static_resources.clusters[0].per_connection_buffer_limit_bytes: expected a whole number, found the "
             "boolean true"},
        Case{"NumberAboveItsType", withCluster("    per_connection_buffer_limit_bytes: 4294967296\n"),
             "4:40: static_resources.clusters[0].per_connection_buffer_limit_bytes: saw 4294967296; must be a whole "
             "number from 0 to 4294967295"},
        Case{"NumberAboveEveryType", withCluster("    per_connection_buffer_limit_bytes: 99999999999999999999\n"),
             "4:40: static_resources.clusters[0].per_connection_buffer_limit_bytes: saw 99999999999999999999; must be "
             "a whole number from 0 to 4294967295"},
        Case{"NegativeForUnsigned", withCluster("    per_connection_buffer_limit_bytes: -1\n"),
             "4:40: static_resources.clusters[0].per_connection_buffer_limit_bytes: saw -1; must be a whole number "
             "from 0 to 4294967295"},
        Case{"MapForANumber", withCluster("    circuit_breakers: {thresholds: [{max_requests: {x: 1}}]}\n"),
             "4:53: static_resources.clusters[0].circuit_breakers.thresholds[0].max_requests.x: unknown field 'x'; "
             "UInt32Value allows value"},
        Case{"NumberForAString", withCluster("    alt_stat_name: 8080\n"),
             "4:20: static_resources.clusters[0].alt_stat_name: expected a string, found the number 8080; put it in "
             "quotes: \"8080\""},
        Case{"BooleanForAString", withCluster("    alt_stat_name: on\n"),
             "4:20: static_resources.clusters[0].alt_stat_name: expected a string, found the boolean on; put it in "
             "quotes: \"on\""},
        Case{"ListForAString", withCluster("    alt_stat_name: [a]\n"),
             "4:5: static_resources.clusters[0].alt_stat_name: expected a string, found a list"},
        Case{"NumberForABoolean", withCluster("    circuit_breakers: {thresholds: [{track_remaining: 1}]}\n"),
             "4:55: static_resources.clusters[0].circuit_breakers.thresholds[0].track_remaining: expected true or "
             "false, found the number 1"},
        Case{"ScalarForAMessage", withCluster("    load_assignment: c\n"),
             "4:22: static_resources.clusters[0].load_assignment: expected the fields of ClusterLoadAssignment, found "
             "the string \"c\""},
        Case{"ListForAMessage", "admin:\n- 1\n", "1:1: admin: expected the fields of Admin, found a list"},
        Case{"ScalarForAList", "static_resources: {clusters: 5}",
             "1:30: static_resources.clusters[0]: expected a list of Cluster, found the number 5"},
        Case{"ScalarForAMap", withCluster("    typed_extension_protocol_options: x\n"),
             "4:39: static_resources.clusters[0].typed_extension_protocol_options: expected a map, found the string "
             "\"x\""},
        Case{"NumberForADuration", withCluster("    connect_timeout: 5\n"),
             "4:22: static_resources.clusters[0].connect_timeout: expected a duration such as \"5s\" or \"0.25s\", "
             "found the number 5"},
        Case{"MillisecondsForADuration", withCluster("    connect_timeout: 5000ms\n"),
             "4:22: static_resources.clusters[0].connect_timeout: expected a duration such as \"5s\" or \"0.25s\", "
             "found the string \"5000ms\""},
        Case{"TooManyDecimals", withCluster("    connect_timeout: 0.0000000001s\n"),
             "4:22: static_resources.clusters[0].connect_timeout: expected a duration such as \"5s\" or \"0.25s\", "
             "found the string \"0.0000000001s\""},
        Case{"DurationAboveItsType", withCluster("    connect_timeout: 999999999999999s\n"),
             "4:22: static_resources.clusters[0].connect_timeout: saw 999999999999999s; a duration is at most "
             "315576000000s"},
        Case{"NotBase64", withRoute("{match: {prefix: /}, direct_response: {status: 200, body: {inline_bytes: '*'}}}"),
             "14:97: " + kRoute + "direct_response.body.inline_bytes: expected base64 text, found the string \"*\""},
        Case{"EnumFromAList", withCluster("    type: []\n"),
             "4:5: static_resources.clusters[0].type: expected a value of DiscoveryType (STATIC, STRICT_DNS, "
             "LOGICAL_DNS, EDS, ORIGINAL_DST), found a list"},
        Case{"RootIsAList", "[1]", "1:1: expected the fields of Bootstrap, such as static_resources, found a list"}),
    kName);

std::string withFilter(std::string_view any) {
  return withHcm(
      "          stat_prefix: s\n          route_config: {}\n          http_filters: [{name: f, "
      "typed_config: " +
      std::string(any) + "}]\n");
}
const std::string kAny = kHcm + "http_filters[0].typed_config";

INSTANTIATE_TEST_SUITE_P(
    Types, Errors,
    testing::Values(
        Case{"MissingType", withFilter("{a: 1}"),
             "11:36: " + kAny +
                 ": '@type' is missing; it names the type of this value, such as "
                 "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
        Case{"MisspeltType", withFilter("{'@type': a/envoy.extensions.filters.http.ruoter.v3.Router}"),
             "11:60: " + kAny +
                 ".@type: unknown type 'envoy.extensions.filters.http.ruoter.v3.Router'; did you mean "
                 "'envoy.extensions.filters.http.router.v3.Router'?"},
        Case{"TypeOfAnOlderApi", withFilter("{'@type': a/envoy.config.filter.http.router.v2.Router}"),
             "11:60: " + kAny +
                 ".@type: unknown type 'envoy.config.filter.http.router.v2.Router'; did you mean "
                 "'envoy.extensions.filters.http.router.v3.Router'?"},
        Case{"UnknownType", withFilter("{'@type': a/com.example.Hedgehog}"),
             "11:60: " + kAny +
                 ".@type: unknown type 'com.example.Hedgehog'; docs/xds-support.md lists the types that weir has"},
        Case{"KnownExtension", withFilter("{'@type': a/envoy.extensions.filters.http.lua.v3.Lua}"),
             "11:60: " + kAny +
                 ".@type: 'envoy.extensions.filters.http.lua.v3.Lua': known xDS extension, not implemented by weir"},
        Case{"TypeIsANumber", withFilter("{'@type': 5}"),
             "11:60: " + kAny + ".@type: expected the name of a type, found the number 5"},
        Case{"ScalarForAnAny", withFilter("x"),
             "11:50: " + kAny + ": expected a map with '@type', found the string \"x\""},
        Case{"FieldInsideAnAny",
             withFilter("{'@type': a/envoy.extensions.filters.http.buffer.v3.Buffer, "
                        "max_request_byte: 7}"),
             "11:110: " + kAny +
                 ".max_request_byte: unknown field 'max_request_byte'; did you mean 'max_request_bytes'?"},
        Case{
            "FieldInsideATypedStruct",
            withFilter("{'@type': a/xds.type.v3.TypedStruct, type_url: a/envoy.extensions.filters.http.buffer.v3.Buffer"
                       ", value: {max_request_byte: 7}}"),
            "11:155: " + kAny +
                ".max_request_byte: unknown field 'max_request_byte'; did you mean 'max_request_bytes'?"},
        Case{"TypedStructWithoutType", withFilter("{'@type': a/xds.type.v3.TypedStruct, value: {}}"),
             "11:36: " + kAny + ": TypedStruct without 'type_url'; it names the type that 'value' stands for"},
        Case{"TypedStructWithMore",
             withFilter("{'@type': a/xds.type.v3.TypedStruct, type_url: "
                        "a/envoy.extensions.filters.http.router.v3.Router, values: {}}"),
             "11:147: " + kAny + ".values: unknown field 'values'; TypedStruct allows type_url, value"},
        Case{"TypeOfWhatIsNotHere", withFilter("{'@type': a/envoy.extensions.filters.http.wasm.v3.Wasm}"),
             "11:60: " + kAny +
                 ".@type: 'envoy.extensions.filters.http.wasm.v3.Wasm': known xDS extension, not implemented by weir"}),
    kName);

TEST(AllErrors, ComeInOneRunInTheOrderOfTheFile) {
  const Loaded loaded = load(R"(static_resources:
  clusters:
  - name: 5
    lb_polcy: x
  - connect_timeout: 0s
admin: {address: {pipe: {path: ""}}}
node: {idd: x}
)");
  EXPECT_EQ(loaded.report,
            "t.yaml:3:11: static_resources.clusters[0].name: expected a string, found the number 5; put it in quotes: "
            "\"5\"\n"
            "t.yaml:4:5: static_resources.clusters[0].lb_polcy: unknown field 'lb_polcy'; did you mean 'lb_policy'?\n"
            "t.yaml:5:5: static_resources.clusters[1].name: is missing or empty; it is required\n"
            "t.yaml:5:22: static_resources.clusters[1].connect_timeout: saw 0s; must be greater than 0s\n"
            "t.yaml:6:32: admin.address.pipe.path: is missing or empty; it is required\n"
            "t.yaml:7:8: node.idd: unknown field 'idd'; did you mean 'id'?\n");
}

TEST(AllErrors, AMisspeltRequiredFieldIsReportedOnce) {
  const Loaded loaded = load("static_resources: {clusters: [{nam: c}]}");
  EXPECT_EQ(loaded.report,
            "t.yaml:1:32: static_resources.clusters[0].nam: unknown field 'nam'; did you mean 'name'?\n");
}

}  // namespace
}  // namespace weir::config
