// Route configurations as text in, routes or errors out.
#include "source/extensions/routes/compile_routes.h"

#include <google/protobuf/text_format.h>

#include <map>
#include <string>
#include <vector>

#include "envoy/config/core/v3/core.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "gtest/gtest.h"
#include "source/proxy/routes/hash_policy.h"
#include "source/stats/stats.h"

namespace weir::extensions {
namespace {

class NoteConfig final : public filter::RouteFilterConfig {};

class NoteFactory final : public filter::HttpFilterFactory {
 public:
  filter::HttpFilter* create(base::Arena& arena, const net::WorkerContext&) const override {
    return arena.make<filter::HttpFilter>();
  }
  filter::HookMask hooks() const override { return {}; }
};

class CompileRoutesTest : public testing::Test {
 protected:
  CompileRoutesTest() {
    type_.config_type = "google.protobuf.BoolValue";
    type_.route_config_type = "google.protobuf.BoolValue";
    type_.make_route_config = [](const google::protobuf::Message&, const filter::FactoryContext&) {
      return std::make_unique<NoteConfig>();
    };
  }

  std::unique_ptr<const proxy::RouteTable> compile(const std::string& text) {
    envoy::config::route::v3::RouteConfiguration message;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
    const RouteContext context{stats_, diagnostics_, clock_, registry_, chain_, slot_types_, "test", problem_, false};
    return compileRoutes(message, context, root_);
  }

  // A table of one virtual host for "*" with that route.
  std::unique_ptr<const proxy::RouteTable> compileRoute(const std::string& route) {
    return compile("virtual_hosts { name: 'h' domains: '*' routes { " + route + " } }");
  }

  static std::vector<filter::HttpChainConfig::Slot> slots() {
    std::vector<filter::HttpChainConfig::Slot> slots(1);
    slots[0].name = "note";
    slots[0].factory = std::make_unique<NoteFactory>();
    return slots;
  }

  stats::Registry stats_;
  base::Diagnostics diagnostics_;
  base::RealClock clock_;
  filter::HttpFilterRegistry registry_;
  filter::HttpChainConfig chain_{slots()};
  filter::HttpFilterType type_;
  std::vector<const filter::HttpFilterType*> slot_types_{&type_};
  std::function<std::string(std::string_view)> problem_ = [](std::string_view name) {
    return name == "missing" ? "no such cluster" : "";
  };
  base::FieldPath none_;
  base::FieldPath root_ = none_.at("rc");
};

struct ErrorCase {
  const char* name;
  const char* config;
  const char* path;
  const char* message;  // a part of it
};

constexpr ErrorCase kErrors[] = {
    {"unknown cluster",
     "virtual_hosts { name: 'h' domains: '*' routes { match { prefix: '/' } route { cluster: 'missing' } } }",
     "rc.virtual_hosts[0].routes[0].route.cluster", "no such cluster"},
    {"unknown weighted cluster",
     "virtual_hosts { name: 'h' domains: '*' routes { match { prefix: '/' } route { weighted_clusters { clusters { "
     "name: 'missing' weight { value: 1 } } } } } }",
     "rc.virtual_hosts[0].routes[0].route.weighted_clusters.clusters[0].name", "no such cluster"},
    {"weights of zero",
     "virtual_hosts { name: 'h' domains: '*' routes { match { prefix: '/' } route { weighted_clusters { clusters { "
     "name: 'a' } } } } }",
     "rc.virtual_hosts[0].routes[0].route.weighted_clusters.clusters", "add up to 0"},
    {"domain twice", "virtual_hosts { name: 'a' domains: 'x.y' } virtual_hosts { name: 'b' domains: 'X.y' }",
     "rc.virtual_hosts[1].domains[0]", "taken by rc.virtual_hosts[0].domains[0]"},
    {"two stars", "virtual_hosts { name: 'a' domains: '*' } virtual_hosts { name: 'b' domains: '*' }",
     "rc.virtual_hosts[1].domains[0]", "taken by"},
    {"star in the middle", "virtual_hosts { name: 'a' domains: 'a.*.b' }", "rc.virtual_hosts[0].domains[0]",
     "one '*' at the beginning or at the end"},
    {"host names twice", "virtual_hosts { name: 'a' domains: 'x' } virtual_hosts { name: 'a' domains: 'y' }",
     "rc.virtual_hosts[1].name", "names must differ"},
    {"wrong regex",
     "virtual_hosts { name: 'a' domains: '*' routes { match { safe_regex { regex: '(' } } route { cluster: 'c' } } }",
     "rc.virtual_hosts[0].routes[0].match.safe_regex", ""},
    {"query in a path",
     "virtual_hosts { name: 'a' domains: '*' routes { match { path: '/a?b' } route { cluster: 'c' } } }",
     "rc.virtual_hosts[0].routes[0].match.path", "query_parameters"},
    {"both rewrites",
     "virtual_hosts { name: 'a' domains: '*' routes { match { prefix: '/' } route { cluster: 'c' prefix_rewrite: '/x' "
     "regex_rewrite { pattern { regex: 'a' } substitution: 'b' } } } }",
     "rc.virtual_hosts[0].routes[0].route.regex_rewrite", "one of prefix_rewrite, regex_rewrite"},
    {"framing header", "request_headers_to_add { header { key: 'Content-Length' value: '1' } }",
     "rc.request_headers_to_add[0].header.key", "'content-length' cannot be edited"},
    {"unknown operator", "response_headers_to_add { header { key: 'x' value: '%NOPE%' } }",
     "rc.response_headers_to_add[0].header.value", "NOPE"},
    {"filter that is not there",
     "typed_per_filter_config { key: 'nota' value { type_url: 't/google.protobuf.BoolValue' } }",
     "rc.typed_per_filter_config[\"nota\"]", "allowed: note"},
    {"wrong type for a filter",
     "typed_per_filter_config { key: 'note' value { type_url: 't/google.protobuf.Duration' } }",
     "rc.typed_per_filter_config[\"note\"]", "takes no google.protobuf.Duration"},
    {"redirect port",
     "virtual_hosts { name: 'a' domains: '*' routes { match { prefix: '/' } redirect { port_redirect: 70000 } } }",
     "rc.virtual_hosts[0].routes[0].redirect.port_redirect", "at most 65535"},
    {"hash of nothing",
     "virtual_hosts { name: 'a' domains: '*' routes { match { prefix: '/' } route { cluster: 'c' hash_policy { "
     "connection_properties {} } } } }",
     "rc.virtual_hosts[0].routes[0].route.hash_policy[0].connection_properties", "source_ip: true"},
    {"retries to an unknown priority",
     "virtual_hosts { name: 'a' domains: '*' routes { match { prefix: '/' } route { cluster: 'c' retry_policy { "
     "retry_priority { name: 'other' } } } } }",
     "rc.virtual_hosts[0].routes[0].route.retry_policy.retry_priority", "previous_priorities"},
    {"a tunnel of another kind that ends here",
     "virtual_hosts { name: 'a' domains: '*' routes { match { prefix: '/' } route { cluster: 'c' upgrade_configs { "
     "upgrade_type: 'websocket' connect_config {} } } } }",
     "rc.virtual_hosts[0].routes[0].route.upgrade_configs[0].connect_config", "allowed: CONNECT"},
    {"no action", "virtual_hosts { name: 'a' domains: '*' routes { match { prefix: '/' } } }",
     "rc.virtual_hosts[0].routes[0]", "one of route, redirect, direct_response"},
};

TEST_F(CompileRoutesTest, NamesThePlaceOfEveryError) {
  for (const ErrorCase& c : kErrors) {
    diagnostics_ = base::Diagnostics();
    compile(c.config);
    ASSERT_EQ(diagnostics_.errors(), 1u) << c.name;
    EXPECT_EQ(diagnostics_.all()[0].path.substr(0, std::string(c.path).size()), c.path) << c.name;
    EXPECT_NE(diagnostics_.all()[0].message.find(c.message), std::string::npos)
        << c.name << ": " << diagnostics_.all()[0].message;
  }
}

TEST_F(CompileRoutesTest, FindsAllErrorsInOneRun) {
  compile(
      "virtual_hosts { name: 'h' domains: '*' routes { match { prefix: '/' } route { cluster: 'missing' } } "
      "routes { match { prefix: '/x' } route { cluster: 'missing' } } }");
  EXPECT_EQ(diagnostics_.errors(), 2u);
}

TEST_F(CompileRoutesTest, KeepsUnknownClustersWhereValidationIsOff) {
  const auto table = compile(
      "validate_clusters { value: false } virtual_hosts { name: 'h' domains: '*' routes { "
      "match { prefix: '/' } route { cluster: 'missing' } } }");
  EXPECT_TRUE(diagnostics_.ok());
  EXPECT_EQ(std::get<proxy::ForwardAction>(table->hosts[0]->routes[0].second->action).cluster, "missing");
}

TEST_F(CompileRoutesTest, CompilesAForwardActionWithAllItsParts) {
  const auto table = compileRoute(
      "name: 'r' match { prefix: '/api' } route { cluster: 'c' timeout { seconds: 3 } idle_timeout { seconds: 4 } "
      "prefix_rewrite: '/v1' host_rewrite_literal: 'other' priority: HIGH append_x_forwarded_host: true "
      "cluster_not_found_response_code: NOT_FOUND upgrade_configs { upgrade_type: 'WebSocket' } "
      "max_stream_duration { max_stream_duration { seconds: 9 } grpc_timeout_header_max { seconds: 60 } "
      "grpc_timeout_header_offset { nanos: 50000000 } } }");
  ASSERT_TRUE(diagnostics_.ok());
  const proxy::Route& route = *table->hosts[0]->routes[0].second;
  const auto& action = std::get<proxy::ForwardAction>(route.action);
  EXPECT_EQ(action.timeout, absl::Seconds(3));
  EXPECT_EQ(action.idle_timeout, absl::Seconds(4));
  EXPECT_EQ(action.max_stream_duration, absl::Seconds(9));
  EXPECT_EQ(action.grpc_timeout_max, absl::Seconds(60));
  EXPECT_EQ(action.grpc_timeout_offset, absl::Milliseconds(50));
  EXPECT_EQ(action.prefix_rewrite, "/v1");
  EXPECT_EQ(action.host_rewrite_literal, "other");
  EXPECT_EQ(action.priority, upstream::Priority::kHigh);
  EXPECT_TRUE(action.append_x_forwarded_host);
  EXPECT_EQ(action.cluster_not_found_status, 404);
  EXPECT_EQ(action.upgrades, (std::vector<std::pair<std::string, bool>>{{"websocket", true}}));
  EXPECT_EQ(route.matched_bytes, 4u);
  EXPECT_EQ(route.clusterName(), "c");
}

TEST_F(CompileRoutesTest, CompilesHashPoliciesAndSubsets) {
  const auto table = compileRoute(
      "match { prefix: '/' } route { metadata_match { filter_metadata { key: 'envoy.lb' value { fields { key: 'v' "
      "value { string_value: '1' } } } } } hash_policy { header { header_name: 'X-User' } terminal: true } "
      "hash_policy { cookie { name: 'c' ttl { seconds: 9 } path: '/p' attributes { name: 'SameSite' value: 'Lax' } } } "
      "hash_policy { connection_properties { source_ip: true } } hash_policy { query_parameter { name: 'q' } } "
      "weighted_clusters { clusters { name: 'a' weight { value: 1 } metadata_match { filter_metadata { key: 'envoy.lb' "
      "value { fields { key: 'w' value { bool_value: true } } } } } } } }");
  ASSERT_TRUE(diagnostics_.ok());
  const proxy::Route& route = *table->hosts[0]->routes[0].second;
  const auto& action = std::get<proxy::ForwardAction>(route.action);
  ASSERT_EQ(action.hash_policy->rules().size(), 4u);
  EXPECT_EQ(action.hash_policy->rules()[0].name, "x-user");
  EXPECT_TRUE(action.hash_policy->rules()[0].terminal);
  EXPECT_EQ(action.hash_policy->rules()[1].ttl, absl::Seconds(9));
  EXPECT_EQ(action.hash_policy->rules()[2].kind, proxy::HashPolicy::Rule::Kind::kSourceIp);
  EXPECT_EQ(action.hash_policy->rules()[3].name, "q");

  const upstream::lb::SubsetIndex hosts({{{"v", "\"1\""}}, {{"v", "\"1\""}, {"w", "true"}}},
                                        {.selectors = {{.keys = {"v"}}, {.keys = {"v", "w"}}}});
  EXPECT_EQ(hosts.find(*action.subset).size(), 2u);
  const auto& choice = std::get<proxy::ForwardAction>(route.choices[0].route->action);
  EXPECT_EQ(hosts.find(*choice.subset), std::vector<uint32_t>{1});
}

TEST_F(CompileRoutesTest, MakesARouteOfEachWeight) {
  const auto table = compileRoute(
      "name: 'r' match { prefix: '/' } route { timeout { seconds: 3 } weighted_clusters { clusters { name: 'a' weight "
      "{ value: 1 } host_rewrite_literal: 'ha' } clusters { name: 'b' weight { value: 3 } } } }");
  ASSERT_TRUE(diagnostics_.ok());
  const proxy::Route& route = *table->hosts[0]->routes[0].second;
  ASSERT_EQ(route.choices.size(), 2u);
  EXPECT_EQ(route.choices[1].up_to, 4u);
  EXPECT_EQ(route.choices[0].route->clusterName(), "a");
  EXPECT_EQ(route.choices[0].route->routeName(), "r");
  const auto& action = std::get<proxy::ForwardAction>(route.choices[0].route->action);
  EXPECT_EQ(action.host_rewrite_literal, "ha");
  EXPECT_EQ(action.timeout, absl::Seconds(3));
}

TEST_F(CompileRoutesTest, TheMostSpecificFilterConfigurationWins) {
  const std::string empty = "{ key: 'note' value { type_url: 't/google.protobuf.BoolValue' } }";
  const auto table = compile("typed_per_filter_config " + empty +
                             " virtual_hosts { name: 'h' domains: '*' "
                             "typed_per_filter_config " +
                             empty + " routes { match { prefix: '/' } route { cluster: 'c' } typed_per_filter_config " +
                             empty + " } }");
  ASSERT_TRUE(diagnostics_.ok());
  const proxy::Route& route = *table->hosts[0]->routes[0].second;
  const filter::RouteFilterConfig* all[4];
  ASSERT_EQ(route.filterConfigs(0, all, 4), 3u);
  EXPECT_EQ(route.filterConfig(0), all[2]);
  EXPECT_EQ(all[0], table->filters.by_slot[0].config.get());
  EXPECT_EQ(route.filterDisabled(0), false);
}

TEST_F(CompileRoutesTest, SwitchesFiltersOff) {
  const auto table = compileRoute(
      "match { prefix: '/' } direct_response { status: 204 } typed_per_filter_config { key: 'note' value { "
      "[type.googleapis.com/envoy.config.route.v3.FilterConfig] { disabled: true } } }");
  ASSERT_TRUE(diagnostics_.ok()) << diagnostics_.all()[0].message;
  const proxy::Route& route = *table->hosts[0]->routes[0].second;
  EXPECT_EQ(route.filterDisabled(0), true);
  EXPECT_EQ(std::get<proxy::DirectAction>(route.action).status, 204);
}

TEST_F(CompileRoutesTest, IgnoresAnOptionalFilterThatIsNotThere) {
  compile(
      "typed_per_filter_config { key: 'other' value { [type.googleapis.com/envoy.config.route.v3.FilterConfig] { "
      "is_optional: true disabled: true } } }");
  EXPECT_TRUE(diagnostics_.ok());
}

TEST_F(CompileRoutesTest, IgnoresAnOptionalConfigurationOfAnUnknownType) {
  compile(
      "typed_per_filter_config { key: 'note' value { [type.googleapis.com/envoy.config.route.v3.FilterConfig] { "
      "is_optional: true config { type_url: 'type.googleapis.com/a.Filter' } } } }");
  EXPECT_TRUE(diagnostics_.ok());
}

TEST_F(CompileRoutesTest, MakesBodiesOutOfFormats) {
  const auto bodyOf = [this](const std::string& format, std::string& type) {
    const auto table = compileRoute(
        "name: 'r \"1\"' match { prefix: '/' } direct_response { status: 200 body_format { " + format + " } }");
    EXPECT_TRUE(diagnostics_.ok()) << diagnostics_.all()[0].message;
    const proxy::Route& route = *table->hosts[0]->routes[0].second;
    const auto& direct = std::get<proxy::DirectAction>(route.action);
    filter::StreamInfo info;
    info.route = &route;
    std::string body;
    direct.format->append(info, body);
    type = direct.format->content_type;
    return body;
  };
  std::string type;
  EXPECT_EQ(bodyOf("text_format_source { inline_string: 'at %ROUTE_NAME%' }", type), "at r \"1\"");
  EXPECT_EQ(type, "text/plain");
  EXPECT_EQ(bodyOf("json_format { fields { key: 'route' value { string_value: '%ROUTE_NAME%' } } }", type),
            "{\"route\":\"r \\\"1\\\"\"}\n");
  EXPECT_EQ(type, "application/json");
  bodyOf("content_type: 'text/html' text_format_source { inline_string: 'x' }", type);
  EXPECT_EQ(type, "text/html");
}

TEST_F(CompileRoutesTest, FormatsMayNameTheMetadataOfRoutesAndVirtualHosts) {
  const auto table = compile(
      "virtual_hosts { name: 'h' domains: '*' metadata { filter_metadata { key: 'app' value { fields { key: 'zone' "
      "value "
      "{ string_value: 'z' } } } } } routes { metadata { filter_metadata { key: 'app' value { fields { key: 'team' "
      "value "
      "{ string_value: 'blue' } } fields { key: 'more' value { struct_value { fields { key: 'n' value { number_value: "
      "3 "
      "} } } } } } } } match { prefix: '/' } direct_response { status: 200 body_format { text_format_source { "
      "inline_string: '%METADATA(ROUTE:app:team)% %METADATA(ROUTE:app:more:n)% %METADATA(ROUTE:app:more)% "
      "%METADATA(ROUTE:app:zone)% %METADATA(VIRTUAL_HOST:app:zone)%' } } } } }");
  ASSERT_TRUE(diagnostics_.ok()) << diagnostics_.all()[0].message;
  filter::StreamInfo info;
  info.route = table->hosts[0]->routes[0].second.get();
  std::string body;
  std::get<proxy::DirectAction>(table->hosts[0]->routes[0].second->action).format->append(info, body);
  EXPECT_EQ(body, "blue 3 {\"n\":3} - z");
}

TEST_F(CompileRoutesTest, CompilesWhereRetriesGo) {
  const auto table = compileRoute(
      "match { prefix: '/' } route { cluster: 'c' retry_policy { retry_on: '5xx' retry_host_predicate { name: "
      "'envoy.retry_host_predicates.omit_host_metadata' typed_config { "
      "[type.googleapis.com/envoy.extensions.retry.host.omit_host_metadata.v3.OmitHostMetadataConfig] { metadata_match "
      "{ filter_metadata { key: 'envoy.lb' value { fields { key: 'v' value { string_value: '1' } } } } } } } } "
      "retry_priority { name: 'envoy.retry_priorities.previous_priorities' typed_config { "
      "[type.googleapis.com/envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig] { "
      "update_frequency: 2 } } } } }");
  ASSERT_TRUE(diagnostics_.ok()) << diagnostics_.all()[0].message;
  const auto& action = std::get<proxy::ForwardAction>(table->hosts[0]->routes[0].second->action);
  EXPECT_EQ(action.policy->retry.omitted, (std::vector<upstream::lb::Metadata>{{{"v", "\"1\""}}}));
  EXPECT_EQ(action.policy->retry.priority_update, 2u);
  EXPECT_FALSE(action.policy->retry.other_host);
}

TEST_F(CompileRoutesTest, RefusesADirectResponseAboveItsLimit) {
  compile(
      "max_direct_response_body_size_bytes { value: 4 } virtual_hosts { name: 'h' domains: '*' routes { match { "
      "prefix: '/' } direct_response { status: 200 body { inline_string: '12345' } } } }");
  ASSERT_EQ(diagnostics_.errors(), 1u);
  EXPECT_EQ(diagnostics_.all()[0].message, "more than 4 bytes, which is the most that is allowed here");
}

}  // namespace
}  // namespace weir::extensions
