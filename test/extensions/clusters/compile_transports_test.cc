#include "source/extensions/clusters/compile_transports.h"

#include <google/protobuf/text_format.h>

#include <optional>
#include <string>

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol.pb.h"
#include "envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/tls.pb.h"
#include "gtest/gtest.h"
#include "source/extensions/clusters/compile_cluster.h"

namespace weir::extensions {
namespace {

using envoy::config::cluster::v3::Cluster;
using envoy::extensions::transport_sockets::proxy_protocol::v3::ProxyProtocolUpstreamTransport;
using envoy::extensions::transport_sockets::raw_buffer::v3::RawBuffer;
using envoy::extensions::transport_sockets::tls::v3::UpstreamTlsContext;

const char kRaw[] =
    "typed_config { [type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer] {} }";
const char kTold[] =
    "typed_config { [type.googleapis.com/envoy.extensions.transport_sockets.proxy_protocol.v3."
    "ProxyProtocolUpstreamTransport] { transport_socket { name: 'raw' typed_config { "
    "[type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer] {} } } } }";
// Checks nothing, and says so.
const char kTls[] =
    "typed_config { [type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext] { "
    "common_tls_context { validation_context { trust_chain_verification: ACCEPT_UNTRUSTED } } } }";

std::string endpoint(const std::string& host, const std::string& notes) {
  const std::string metadata =
      notes.empty() ? ""
                    : "metadata { filter_metadata { key: 'envoy.transport_socket_match' value { " + notes + " } } }";
  return "lb_endpoints { endpoint { address { socket_address { address: '" + host + "' port_value: 80 } } } " +
         metadata + " }";
}

std::string field(const std::string& key, const std::string& value) {
  return "fields { key: '" + key + "' value { " + value + " } }";
}

struct Compiled {
  std::optional<upstream::ClusterConfig> config;
  std::string error;
};

Compiled compile(const std::string& text) {
  // Known to the parser of text by being linked.
  ProxyProtocolUpstreamTransport::descriptor();
  RawBuffer::descriptor();
  UpstreamTlsContext::descriptor();
  Cluster message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString("name: 'c' " + text, &message)) << text;
  base::Diagnostics diagnostics;
  stats::Registry registry;
  const Secrets secrets;
  Compiled out{compileCluster(message, {secrets, registry, diagnostics}, base::FieldPath()), {}};
  for (const base::Diagnostic& one : diagnostics.all()) {
    if (one.severity == base::Diagnostic::Severity::kError) out.error += one.path + ": " + one.message;
  }
  return out;
}

TEST(CompileTransportsTest, MatchesAndNotesAreComparedByValue) {
  const std::string endpoints =
      "load_assignment { cluster_name: 'c' endpoints { " +
      endpoint("127.0.0.1", field("mode", "string_value: 'istio'") + field("n", "number_value: 2")) +
      endpoint("127.0.0.2", field("mode", "string_value: '2'") + field("n", "number_value: 2")) +
      endpoint("127.0.0.3", "") + " metadata { filter_metadata { key: 'envoy.transport_socket_match' value { " +
      field("n", "number_value: 3") + " } } } } }";
  const auto match = [](const std::string& name, const std::string& wanted, const std::string& socket) {
    return "transport_socket_matches { name: '" + name + "' match { " + wanted + " } transport_socket { name: 's' " +
           socket + " } }";
  };
  const Compiled done = compile(endpoints + match("mutual", field("mode", "string_value: 'istio'"), kTls) +
                                match("third", field("n", "number_value: 3"), kRaw));
  ASSERT_TRUE(done.config.has_value()) << done.error;
  const upstream::ClusterConfig& config = *done.config;
  ASSERT_EQ(config.transport_matches.size(), 2u);
  EXPECT_NE(config.transport_matches[0].transport, nullptr);
  EXPECT_EQ(config.transport_matches[1].transport, nullptr);
  EXPECT_FALSE(config.tells_client);
  ASSERT_EQ(config.hosts.size(), 3u);
  const auto nameFor = [&](size_t i) {
    const upstream::TransportMatch* const found = transportMatch(config.transport_matches, config.hosts[i]);
    return found == nullptr ? "none" : found->name;
  };
  EXPECT_EQ(nameFor(0), "mutual");
  EXPECT_EQ(nameFor(1), "third");
  EXPECT_EQ(nameFor(2), "third");
  EXPECT_EQ(compile(match("a", "", kRaw) + match("a", "", kRaw)).error,
            "transport_socket_matches[1].name: \"a\" is the name of a match before it; allowed: a name of its own");
}

TEST(CompileTransportsTest, ConnectionsOfOneClientAreNotKeptForAnHour) {
  const std::string socket = std::string("transport_socket { name: 's' ") + kTold + " }";
  const Compiled told = compile(socket);
  ASSERT_TRUE(told.config.has_value()) << told.error;
  EXPECT_TRUE(told.config->tells_client);
  EXPECT_EQ(told.config->idle_timeout, absl::Minutes(1));
  const Compiled longer = compile(socket + " common_http_protocol_options { idle_timeout { seconds: 3600 } }");
  ASSERT_TRUE(longer.config.has_value());
  EXPECT_EQ(longer.config->idle_timeout, absl::Hours(1));
}

}  // namespace
}  // namespace weir::extensions
