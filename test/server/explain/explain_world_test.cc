// What `weir explain` says is what happens: random configurations run by a simulated server, and random requests that
// clients really send, over plain connections and over TLS with a server name.
#include <google/protobuf/util/json_util.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "envoy/config/core/v3/core.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "gtest/gtest.h"
#include "source/net/tls/tls_transport.h"
#include "source/server/explain/explain.h"
#include "test/extensions/routes/route_worlds.h"
#include "test/net/tls/test_certificates.h"
#include "test/server/server_world.h"

namespace weir::server {
namespace {

namespace api = envoy::config::route::v3;

// How many pairs of configuration and request; the environment may ask for more.
uint64_t pairs() {
  const char* const text = std::getenv("WEIR_EXPLAIN_PAIRS");
  return text == nullptr ? 2'000 : std::strtoull(text, nullptr, 10);
}
constexpr uint64_t kPerWorld = 100;

std::string inQuotes(std::string_view text) {
  return absl::StrCat("\"", absl::CEscape({text.data(), text.size()}), "\"");
}

void mark(google::protobuf::RepeatedPtrField<envoy::config::core::v3::HeaderValueOption>& headers, const char* name,
          const std::string& value) {
  auto& header = *headers.Add()->mutable_header();
  header.set_key(name);
  header.set_value(value);
}

// Random routes whose answers tell which of them it was.
std::string routesJson(base::Random& random) {
  api::RouteConfiguration routes = extensions::randomRoutes(random);
  for (auto& host : *routes.mutable_virtual_hosts()) {
    mark(*host.mutable_response_headers_to_add(), "x-host", host.name());
    for (int i = 0; i < host.routes_size(); ++i) {
      // What is drawn is drawn anew by each.
      host.mutable_routes(i)->mutable_match()->clear_runtime_fraction();
      mark(*host.mutable_routes(i)->mutable_response_headers_to_add(), "x-route", absl::StrCat(i));
    }
  }
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  EXPECT_TRUE(google::protobuf::util::MessageToJsonString(routes, &json, options).ok());
  return json;
}

std::string chainJson(base::Random& random, const std::string& name, const std::string& match, const std::string& tls) {
  const char* const yes_or_no[] = {"true", "false"};
  return absl::StrCat(
      "{name: ", name, match.empty() ? "" : ", filter_chain_match: " + match, tls,
      ", filters: [{name: http, typed_config: {\"@type\": "
      "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager, "
      "stat_prefix: p, server_name: ",
      name, ", normalize_path: ", yes_or_no[random.below(2)], ", merge_slashes: ", yes_or_no[random.below(2)],
      ", http_filters: [{name: router, typed_config: {\"@type\": "
      "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}], route_config: ",
      routesJson(random), "}}]}");
}

std::string tlsJson() {
  static const net::tls::TestCertificate leaf = net::tls::makeCertificate({.names = {{GEN_DNS, "a.example"}}});
  return absl::StrCat(
      ", transport_socket: {name: tls, typed_config: {\"@type\": "
      "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext, common_tls_context: "
      "{tls_certificates: [{certificate_chain: {inline_string: ",
      inQuotes(leaf.pem), "}, private_key: {inline_string: ", inQuotes(leaf.key_pem), "}}]}}}");
}

// Two listeners, with chains for where connections come from and for server names. Not every connection finds one.
std::string worldYaml(base::Random& random) {
  const bool elsewhere = random.below(3) == 0;  // then the default chain is left, if there is one
  const std::string source = elsewhere ? "10.0.0.0" : "127.0.0.0";
  const std::string plain =
      chainJson(random, "plain", "{source_prefix_ranges: [{address_prefix: " + source + ", prefix_len: 8}]}", "");
  const std::string wide =
      chainJson(random, "wide", "{prefix_ranges: [{address_prefix: 127.0.0.0, prefix_len: 8}]}", "");
  const std::string tls = tlsJson();
  const std::string named = chainJson(random, "named", "{server_names: [a.example, \"*.b.example\"]}", tls);
  const std::string wild = chainJson(random, "wild", "{server_names: [\"*.example\", b]}", tls);
  std::string clusters;  // whose only host refuses
  for (const char* const name : {"one", "two", "three"}) {
    absl::StrAppend(&clusters, clusters.empty() ? "" : ", ", "{name: ", name,
                    ", load_assignment: {cluster_name: ", name,
                    ", endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, "
                    "port_value: 9}}}}]}]}}");
  }
  const auto fallback = [&](const std::string& name, const std::string& socket) {
    if (random.below(2) == 0) return std::string();
    return ", default_filter_chain: " + chainJson(random, name, "", socket);
  };
  return absl::StrCat(
      "{static_resources: {clusters: [", clusters,
      "], listeners: [{name: plain, address: {socket_address: {address: 127.0.0.1, port_value: 80}}, filter_chains: [",
      plain, random.below(2) == 0 ? ", " + wide : "", "]", fallback("plain_rest", ""),
      "}, {name: tls, address: {socket_address: {address: 127.0.0.1, port_value: 443}}, listener_filters: [{name: "
      "inspector, typed_config: {\"@type\": "
      "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector}}], filter_chains: [",
      named, ", ", wild, "]", fallback("tls_rest", tls), "}]}}");
}

// What can be seen of a decision, in one line.
struct Decision {
  std::string chain, host, route, status;
  friend bool operator==(const Decision&, const Decision&) = default;
  std::string text() const {
    return absl::StrCat("chain ", chain, " host ", host, " route ", route, " status ", status);
  }
};

std::string headerOf(const std::string& answer, const std::string& name) {
  const size_t at = answer.find("\r\n" + name + ": ");
  if (at == std::string::npos || at > answer.find("\r\n\r\n")) return "";
  const size_t from = at + name.size() + 4;
  return answer.substr(from, answer.find("\r\n", from) - from);
}

Decision decisionOf(const std::string& answer) {
  if (answer.empty()) return {};
  return {headerOf(answer, "server"), headerOf(answer, "x-host"), headerOf(answer, "x-route"), answer.substr(9, 3)};
}

const Note* part(const Note& note, std::string_view key) {
  for (const Note& one : note.parts) {
    if (one.key == key) return &one;
  }
  return nullptr;
}

// The same out of an explanation; without the status where an upstream would give it.
Decision decisionOf(const absl::StatusOr<Note>& answer) {
  Decision decision;
  if (!answer.ok()) return decision;
  decision.chain = part(*answer, "filter_chain")->value;
  if (const Note* const refused = part(*answer, "refused")) {
    decision.status = part(*refused, "status")->value;
    return decision;
  }
  const Note& action = *part(*answer, "action");
  if (const Note* const status = part(action, "status")) decision.status = status->value;
  const Note& host = *part(*answer, "virtual_host");
  const bool redirected = part(host, "require_tls") != nullptr;
  if (action.value == "no_route") return decision;
  decision.host = host.value;
  if (redirected) return decision;
  const Note& last = part(*answer, "routes")->parts.back();
  EXPECT_EQ(part(last, "result")->value, "takes it");
  decision.route = last.key.substr(std::string_view("route ").size());
  return decision;
}

class ExplainWorldTest : public testing::Test {
 protected:
  void startClients(ServerWorld& world) {
    net::tls::ClientConfig config;
    config.host_name_as_sni = true;
    config.verify_name = false;
    config.validation.accept_untrusted = true;
    transport_ =
        net::tls::TlsTransport::client(config, net::tls::TlsStats::make(world.localStats(), "cluster", "x")).factory;
  }

  // Asks both, in a world that runs; whether it was answered at all.
  Decision compare(ServerWorld& world, base::Random& random) {
    base::Arena arena(chunks_);
    http::Head& head = *arena.make<http::Head>(arena);
    extensions::randomRequest(random, head);
    if (head.isConnect()) {
      head.method = "GET";
      head.path = "/a";
    }
    const std::string host(head.authority);
    const std::string name = host.substr(0, host.find(':'));
    const bool tls = head.scheme == "https";
    const std::string words =
        absl::StrCat(std::string(head.method), " ", tls ? "https" : "http", "://127.0.0.1", std::string(head.path));
    std::vector<std::string> headers{"Host: " + host};
    std::string request =
        absl::StrCat(std::string(head.method), " ", std::string(head.path), " HTTP/1.1\r\nHost: ", host, "\r\n");
    for (const http::Field& field : head.headers) {
      headers.push_back(absl::StrCat(std::string(field.name), ": ", std::string(field.value)));
      absl::StrAppend(&request, headers.back(), "\r\n");
    }
    request += "Connection: close\r\n\r\n";
    const auto question = parseQuestion(words, headers);
    EXPECT_TRUE(question.ok()) << question.status();
    Client& client =
        world.connectLocally(tls ? "127.0.0.1:443" : "127.0.0.1:80", tls ? transport_.get() : nullptr, name);
    client.send(request);
    world.run();
    Decision made = decisionOf(client.received);
    Decision explained = decisionOf(explain(*question, world.compiled.loaded, *world.compiled.config));
    const std::string both = absl::StrCat(request, "over ", tls ? "TLS\n" : "TCP\n", "made:      ", made.text(),
                                          "\nexplained: ", explained.text(), "\n");
    // The status of a gRPC answer, and that of an upstream, are not the explanation's.
    if (explained.status.empty() || head.headers.get("content-type")) made.status = explained.status;
    EXPECT_EQ(made, explained) << both;
    return made;
  }

  std::shared_ptr<const net::TransportFactory> transport_;
  base::ChunkPool chunks_;
};

TEST_F(ExplainWorldTest, TheExplainedDecisionIsWhatTheServerDoes) {
  uint64_t routed = 0, unrouted = 0, closed = 0;
  for (uint64_t round = 0; round < pairs() / kPerWorld; ++round) {
    base::Random random(round + 1);
    const std::string yaml = worldYaml(random);
    ServerWorld world(yaml);
    ASSERT_NE(world.compiled.config, nullptr) << yaml;
    startClients(world);
    ASSERT_NE(transport_, nullptr);
    world.start();
    for (uint64_t i = 0; i < kPerWorld; ++i) {
      const Decision made = compare(world, random);
      (made.chain.empty() ? closed : made.route.empty() ? unrouted : routed) += 1;
      if (HasFailure()) FAIL() << "round " << round << "\n" << yaml;
    }
  }
  // The worlds are such that each outcome is common.
  EXPECT_GT(routed, pairs() / 10);
  EXPECT_GT(unrouted, pairs() / 10);
  EXPECT_GT(closed, pairs() / 50);
}

}  // namespace
}  // namespace weir::server
