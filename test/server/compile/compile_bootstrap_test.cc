#include "source/server/compile/compile_bootstrap.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "test/server/server_world.h"

namespace weir::server {
namespace {

constexpr char kEcho[] =
    R"({name: echo, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo}})";

// "PORT n" is an address, "ECHO" a filter.
std::string yaml(std::string_view text) {
  std::string out = absl::StrReplaceAll(std::string(text), {{"ECHO", kEcho}});
  for (size_t at = out.find("PORT "); at != std::string::npos; at = out.find("PORT ", at)) {
    const size_t end = out.find_first_not_of("0123456789", at + 5);
    const std::string port = out.substr(at + 5, end - at - 5);
    out.replace(at, end - at, absl::StrCat("{socket_address: {address: 127.0.0.1, port_value: ", port, "}}"));
  }
  return out;
}

std::string report(std::string_view text) { return CompileRun(yaml(text)).report; }

TEST(CompileBootstrap, KeepsTheOrderAndFillsInWhatIsNotSaid) {
  const CompileRun run(yaml(R"(
node: {id: me, cluster: us, locality: {region: r, zone: z, sub_zone: s}}
cluster_manager: {local_cluster_name: x, outlier_detection: {event_log_path: ejections.log}}
static_resources:
  listeners:
  - {name: b, address: PORT 10, filter_chains: [{filters: [ECHO]}]}
  - address: PORT 11
    additional_addresses: [{address: PORT 12}]
    filter_chains: [{name: c, filters: [ECHO]}]
    default_filter_chain: {filters: [ECHO]}
    per_connection_buffer_limit_bytes: 4096
    tcp_backlog_size: 7
    enable_reuse_port: false
  clusters:
  - {name: z, load_assignment: {cluster_name: z, endpoints: [{lb_endpoints: [{endpoint: {address: PORT 9}}]}]}}
  - {name: x, load_assignment: {cluster_name: x, endpoints: [{lb_endpoints: [{endpoint: {address: PORT 9}}]}]}}
)"));
  ASSERT_EQ(run.report, "");
  ASSERT_NE(run.config, nullptr);
  EXPECT_EQ(run.config->node_id, "me");
  EXPECT_EQ(run.config->node_cluster, "us");
  EXPECT_EQ(run.config->node_locality, (upstream::Locality{"r", "z", "s"}));
  EXPECT_EQ(run.config->local_cluster, "x");
  EXPECT_EQ(run.config->ejection_log, "ejections.log");
  ASSERT_EQ(run.config->clusters.size(), 2u);
  EXPECT_EQ(run.config->clusters[0]->config().name, "z");
  ASSERT_EQ(run.config->listeners.size(), 2u);
  const ListenerPlan& first = run.config->listeners[0];
  EXPECT_EQ(first.config->name, "b");
  EXPECT_EQ(first.config->limits.read_bytes, 1024u * 1024);
  EXPECT_EQ(first.config->chains->chains()[0].name, "0");
  EXPECT_TRUE(first.everyWorker(first.addresses[0]));
  const ListenerPlan& second = run.config->listeners[1];
  EXPECT_EQ(second.config->name, "127.0.0.1:11");
  EXPECT_EQ(second.config->limits.write_bytes, 4096u);
  EXPECT_EQ(second.config->backlog, 7);
  EXPECT_EQ(second.config->chains->chains()[0].name, "c");
  EXPECT_EQ(second.config->chains->defaultChain()->name, "default");
  ASSERT_EQ(second.addresses.size(), 2u);
  EXPECT_EQ(second.addresses[1].address.text(), "127.0.0.1:12");
  EXPECT_FALSE(second.addresses[0].options.reuse_port);
  EXPECT_FALSE(run.config->admin.has_value());
}

TEST(CompileBootstrap, AUnixSocketIsNeverShared) {
  const CompileRun run(yaml(R"(
static_resources:
  listeners:
  - {name: a, address: {pipe: {path: /tmp/a.sock, mode: 384}}, filter_chains: [{filters: [ECHO]}]}
)"));
  ASSERT_EQ(run.report, "");
  const ListenerPlan& plan = run.config->listeners[0];
  EXPECT_FALSE(plan.everyWorker(plan.addresses[0]));
  EXPECT_FALSE(plan.addresses[0].options.reuse_port);
  EXPECT_EQ(plan.addresses[0].options.unix_mode, 0600u);
}

TEST(CompileBootstrap, TheAdminEndpointIsInsideUnlessSaidOtherwise) {
  const CompileRun inside(
      yaml("admin: {}\nstatic_resources:\n  listeners: [{name: a, address: PORT 0,"
           " filter_chains: [{filters: [ECHO]}]}]\n"));
  ASSERT_EQ(inside.report, "");
  EXPECT_EQ(inside.config->admin->address.address.text(), "127.0.0.1:9901");

  const CompileRun outside(yaml(R"(
admin:
  address: {socket_address: {address: 0.0.0.0, port_value: 1}}
static_resources:
  listeners: [{name: a, address: PORT 0, filter_chains: [{filters: [ECHO]}]}]
)"));
  EXPECT_EQ(outside.report,
            "test.yaml:3:3: warning: admin.address: 0.0.0.0:1 opens the admin endpoint, which asks for no password, to "
            "every network of this machine; 127.0.0.1 keeps it inside\n");
  EXPECT_NE(outside.config, nullptr);
}

TEST(CompileBootstrap, ErrorsNameThePlaceAndTheOtherOne) {
  const struct {
    std::string_view text;
    std::string_view report;
  } cases[] = {
      {R"(static_resources:
  listeners:
  - {name: a, address: PORT 1, filter_chains: [{filters: [ECHO]}]}
  - {name: a, address: PORT 2, filter_chains: [{filters: [ECHO]}]}
)",
       "test.yaml:4:12: static_resources.listeners[1].name: \"a\" is the name of static_resources.listeners[0] "
       "already; "
       "names of listeners must differ\n"},
      {R"(static_resources:
  listeners:
  - {name: a, address: PORT 1, filter_chains: [{filters: [ECHO]}]}
  - {name: b, address: PORT 1, filter_chains: [{filters: [ECHO]}]}
)",
       "test.yaml:4:15: static_resources.listeners[1].address: 127.0.0.1:1 is an address of "
       "static_resources.listeners[0] already; addresses must differ\n"},
      {R"(admin:
  address: PORT 1
static_resources:
  listeners:
  - {name: a, address: PORT 1, filter_chains: [{filters: [ECHO]}]}
)",
       "test.yaml:2:3: admin.address: 127.0.0.1:1 is an address of static_resources.listeners[0] already; addresses "
       "must differ\n"},
      {R"(static_resources:
  listeners:
  - {name: a, address: PORT 1}
)",
       "test.yaml:3:5: static_resources.listeners[0]: no filter chain is given; a TCP listener needs at least one\n"},
      {R"(static_resources:
  listeners:
  - {name: a, filter_chains: [{filters: [ECHO]}]}
)",
       "test.yaml:3:5: static_resources.listeners[0]: no address is given; a listener needs one\n"},
      {R"(static_resources:
  listeners:
  - name: a
    address: PORT 1
    filter_chains:
    - {name: x}
)",
       "test.yaml:6:7: static_resources.listeners[0].filter_chains[0]: the filter chain has no filters; it needs one "
       "that takes the bytes, at its end\n"},
      {R"(static_resources:
  listeners:
  - name: a
    address: PORT 1
    filter_chains:
    - filters:
      - ECHO
      - ECHO
)",
       "test.yaml:7:9: static_resources.listeners[0].filter_chains[0].filters[0]: filter \"echo\" takes all bytes, so "
       "that nothing reaches the filter behind it; it must be the last one of its chain\n"},
      {R"(static_resources:
  listeners:
  - name: a
    address: PORT 1
    filter_chains:
    - {name: x, filter_chain_match: {destination_port: 1}, filters: [ECHO]}
    - {name: x, filter_chain_match: {destination_port: 2}, filters: [ECHO]}
)",
       "test.yaml:7:14: static_resources.listeners[0].filter_chains[1].name: \"x\" is the name of "
       "static_resources.listeners[0].filter_chains[0] already\n"},
      {R"(static_resources:
  listeners:
  - name: a
    address: PORT 1
    filter_chains: [{filter_chain_match: {transport_protocol: quic}, filters: [ECHO]}]
)",
       "test.yaml:5:63: static_resources.listeners[0].filter_chains[0].filter_chain_match.transport_protocol: \"quic\" "
       "is never detected; allowed: raw_buffer, tls\n"},
      {R"(static_resources:
  listeners:
  - name: a
    address: {socket_address: {address: 127.0.0.1, port_value: 1, protocol: UDP}}
    filter_chains: [{filters: [ECHO]}]
)",
       "test.yaml:4:77: static_resources.listeners[0].address.socket_address.protocol: UDP; allowed: TCP\n"},
      {R"(static_resources:
  listeners:
  - name: a
    address: PORT 1
    per_connection_buffer_limit_bytes: 0
    filter_chains: [{filters: [ECHO]}]
)",
       "test.yaml:5:40: static_resources.listeners[0].per_connection_buffer_limit_bytes: 0 would be no limit, and weir "
       "always has one; allowed: 1 and more\n"},
      {R"(static_resources:
  listeners:
  - name: a
    address: PORT 1
    listener_filters:
    - name: t
      typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector}
      filter_disabled: {not_match: {destination_port_range: {start: 80, end: 80}}}
    filter_chains: [{filters: [ECHO]}]
)",
       "test.yaml:8:37: static_resources.listeners[0].listener_filters[0].filter_disabled.not_match."
       "destination_port_range: from 80 to below 80, where no port is; allowed: an end above the start\n"},
      {"node: {id: a}\n", "test.yaml: warning: static_resources: there is no listener, so nothing is served\n"},
  };
  for (const auto& test : cases) EXPECT_EQ(report(test.text), test.report) << test.text;
}

TEST(CompileBootstrap, ChainsThatTakeTheSameConnectionsAreRefused) {
  const std::string text = report(R"(static_resources:
  listeners:
  - name: a
    address: PORT 1
    filter_chains:
    - filter_chain_match: {source_prefix_ranges: [{address_prefix: 10.0.0.0, prefix_len: 8}]}
      filters: [ECHO]
    - filter_chain_match: {source_prefix_ranges: [{address_prefix: 10.1.2.3, prefix_len: 8}]}
      filters: [ECHO]
)");
  EXPECT_NE(text.find("test.yaml:5:5: static_resources.listeners[0].filter_chains: filter chains \"0\" and \"1\" match "
                      "the same connections"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("source prefix 10.0.0.0/8"), std::string::npos) << text;
}

TEST(CompileBootstrap, AnUnknownNetworkFilterIsAnErrorThatListsTheKnownOnes) {
  const std::string text = report(R"(static_resources:
  listeners:
  - name: a
    address: PORT 1
    filter_chains:
    - filters:
      - name: r
        typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
)");
  EXPECT_NE(text.find("static_resources.listeners[0].filter_chains[0].filters[0].typed_config: "
                      "\"envoy.extensions.filters.http.router.v3.Router\" is not a network filter; allowed: "),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("envoy.extensions.filters.network.echo.v3.Echo"), std::string::npos) << text;
}

TEST(CompileBootstrap, AllErrorsComeInOneRun) {
  const std::string text = report(R"(static_resources:
  listeners:
  - {name: a, address: PORT 1}
  - {name: a, address: PORT 1, filter_chains: [{}]}
  clusters:
  - {name: c, load_assignment: {cluster_name: c}}
  - {name: c, load_assignment: {cluster_name: c}}
)");
  EXPECT_NE(text.find("listeners[0]: no filter chain"), std::string::npos) << text;
  EXPECT_NE(text.find("listeners[1].name: \"a\""), std::string::npos) << text;
  EXPECT_NE(text.find("listeners[1].filter_chains[0]: the filter chain has no filters"), std::string::npos) << text;
  EXPECT_NE(text.find("clusters[1].name: \"c\""), std::string::npos) << text;
}

TEST(CompileBootstrap, PortsThatTheKernelPicksMayBeManyOnOneAddress) {
  EXPECT_EQ(report(R"(static_resources:
  listeners:
  - {name: a, address: PORT 0, filter_chains: [{filters: [ECHO]}]}
  - {name: b, address: PORT 0, filter_chains: [{filters: [ECHO]}]}
)"),
            "");
}

constexpr char kAdminLogs[] = R"(
admin:
  address: PORT 1
  access_log_path: /refused/a
  access_log:
  - typed_config:
      "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
      path: /refused/b
static_resources:
  listeners: [{name: a, address: PORT 0, filter_chains: [{filters: [ECHO]}]}]
)";

TEST(CompileBootstrap, AFileThatCannotBeOpenedIsAnErrorWhereItIsNamed) {
  const std::string text = report(kAdminLogs);
  EXPECT_NE(text.find("test.yaml:4:20: admin.access_log_path: cannot open \"/refused/a\"\n"), std::string::npos)
      << text;
  EXPECT_NE(text.find("test.yaml:8:13: admin.access_log[0].typed_config.path: cannot open \"/refused/b\"\n"),
            std::string::npos)
      << text;
}

TEST(CompileBootstrap, TheSchemaAloneOpensNothing) {
  const CompileRun run(yaml(kAdminLogs), true);
  EXPECT_NE(run.config, nullptr) << run.report;
  EXPECT_TRUE(run.sinks.lines.empty());
}

TEST(CompileBootstrap, TheLimitOfConnectionsMayBeAValueOfTheRuntime) {
  EXPECT_EQ(CompileRun("node: {id: a}\n").config->max_connections, std::nullopt);
  const CompileRun run(
      "layered_runtime: {layers: [{name: a, static_layer: {overload.global_downstream_max_connections: 7}}]}\n");
  ASSERT_NE(run.config, nullptr) << run.report;
  EXPECT_EQ(run.config->max_connections, 7u);
}

constexpr char kLimitOfSeven[] =
    "{name: c, typed_config: {'@type': type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections."
    "v3.DownstreamConnectionsConfig, max_active_downstream_connections: 7}}";

TEST(CompileBootstrap, TheLimitOfConnectionsMayBeAResource) {
  const CompileRun run(absl::StrCat(
      "overload_manager: {refresh_interval: 0.25s, resource_monitors: [", kLimitOfSeven, "]}\n",
      "layered_runtime: {layers: [{name: a, static_layer: {overload.global_downstream_max_connections: 9}}]}\n"));
  ASSERT_NE(run.config, nullptr) << run.report;
  EXPECT_EQ(run.config->max_connections, 7u);
  const std::string twice =
      report(absl::StrCat("overload_manager: {resource_monitors: [", kLimitOfSeven, ", ", kLimitOfSeven, "]}\n"));
  EXPECT_NE(twice.find("overload_manager.resource_monitors[1]: a second limit of connections; allowed: one\n"),
            std::string::npos)
      << twice;
  const std::string other = report(
      "overload_manager: {resource_monitors: [{name: c, typed_config: {'@type': "
      "type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo}}]}\n");
  EXPECT_NE(other.find("\"c\" is a envoy.extensions.filters.network.echo.v3.Echo; allowed: envoy.extensions."),
            std::string::npos)
      << other;
}

TEST(CompileBootstrap, TheLogIsWrittenAsItIsAskedFor) {
  const auto pattern = [](const std::string& format) {
    return "application_log_config: {log_format: {" + format + "}}\n";
  };
  EXPECT_EQ(CompileRun("node: {id: a}\n").config->log_pattern, "");
  EXPECT_EQ(CompileRun(pattern("text_format: '[%T] %v'")).config->log_pattern, "[%T] %v");
  EXPECT_EQ(CompileRun(pattern("json_format: {Message: '%T %j'}")).config->log_pattern, R"({"Message":"%T %j"})");
  const std::string refused = report(pattern("json_format: {Message: '%v'}"));
  EXPECT_NE(refused.find("application_log_config.log_format.json_format: has %v or %_, which may have quotes"),
            std::string::npos)
      << refused;
}

TEST(CompileBootstrap, MetadataOfTheNodeIsJson) {
  EXPECT_EQ(CompileRun("node: {id: a}\n").config->node_metadata, "");
  EXPECT_EQ(CompileRun("node: {metadata: {team: [1, {a: true}, \"bl\\\"ue\"]}}\n").config->node_metadata,
            R"({"team":[1,{"a":true},"bl\"ue"]})");
}

TEST(CompileBootstrap, TheOnlyEngineOfExpressionsMayBeNamed) {
  const auto engine = [](const std::string& type) {
    return report("default_regex_engine: {name: e, typed_config: {'@type': type.googleapis.com/" + type + "}}\n");
  };
  EXPECT_EQ(engine("envoy.extensions.regex_engines.v3.GoogleRE2").find("default_regex_engine"), std::string::npos);
  const std::string other = engine("envoy.extensions.filters.network.echo.v3.Echo");
  EXPECT_NE(other.find("default_regex_engine.typed_config: is a envoy.extensions.filters.network.echo.v3.Echo; "
                       "allowed: envoy.extensions.regex_engines.v3.GoogleRE2\n"),
            std::string::npos)
      << other;
}

TEST(CompileBootstrap, AGenericSecretIsReadAndHasNoEffect) {
  const std::string text = report(R"(static_resources:
  secrets:
  - {name: token, generic_secret: {secret: {inline_string: abc}}}
  - {name: none, generic_secret: {}}
  - {name: lost, generic_secret: {secret: {filename: /there/is/none}}}
)");
  EXPECT_NE(text.find("test.yaml:3:19: warning: static_resources.secrets[0].generic_secret: has no effect"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("secrets[1].generic_secret: has no effect"), std::string::npos) << text;
  EXPECT_NE(text.find("test.yaml:5:54: static_resources.secrets[2].generic_secret.secret.filename: "),
            std::string::npos)
      << text;
  EXPECT_EQ(text.find("secrets[0].generic_secret.secret"), std::string::npos) << text;
}

TEST(CompileBootstrap, TheOwnClusterMustBeThere) {
  const std::string text = report("cluster_manager: {local_cluster_name: us}\n");
  EXPECT_NE(text.find("test.yaml:1:39: cluster_manager.local_cluster_name: no cluster is named 'us'; allowed: "),
            std::string::npos)
      << text;
}

TEST(CompileBootstrap, AClusterThatIsNotThereIsNamedWithTheNearestThatIs) {
  const std::string text = report(
      "cluster_manager: {local_cluster_name: orgin}\nstatic_resources: {clusters: [{name: origin}, {name: other}]}\n");
  EXPECT_NE(text.find("no cluster is named 'orgin'; did you mean 'origin'? allowed: the name of a cluster in "),
            std::string::npos)
      << text;
}

}  // namespace
}  // namespace weir::server
