#include "source/extensions/filters/network/rbac/rbac.h"

#include <google/protobuf/text_format.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "envoy/extensions/filters/network/rbac/v3/rbac.pb.h"
#include "envoy/extensions/matching/common_inputs/network/v3/network_inputs.pb.h"
#include "gtest/gtest.h"
#include "source/proxy/tcp_proxy.h"
#include "test/proxy/session_world.h"

namespace weir::extensions::network_rbac {
namespace {

using envoy::extensions::filters::network::rbac::v3::RBAC;

class NetworkRbacTest : public testing::Test {
 protected:
  std::unique_ptr<filter::NetworkFilterFactory> make(const std::string& text) {
    RBAC message;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString("stat_prefix: \"tcp\" " + text, &message)) << text;
    const base::FieldPath path;
    return rbacType().make(message, {world_.world.registry, diagnostics_, path, "", world_.world.simulation.clock()});
  }
  // Serves with the filter in front of a TCP proxy.
  void start(const std::string& text) {
    std::vector<std::unique_ptr<const filter::NetworkFilterFactory>> filters;
    filters.push_back(make(text));
    ASSERT_NE(filters.back(), nullptr);
    proxy::TcpProxyConfig config;
    config.stat_prefix = "p";
    config.targets.push_back({"c", 1});
    world_.start(std::make_unique<proxy::TcpProxyFactory>(std::move(config), world_.world.registry),
                 {world_.world.makeCluster({origin_.address()})}, std::move(filters));
  }
  upstream::OriginPeer& open() {
    upstream::OriginPeer& client = world_.connect();
    world_.settle();
    return client;
  }

  proxy::SessionWorld world_;
  upstream::Origin origin_{world_.world.origin_worker, "10.0.0.1"};
  base::Diagnostics diagnostics_;
};

constexpr const char* kAnyone = "policies { key: \"p\" value { permissions { any: true } principals { any: true } } }";

TEST_F(NetworkRbacTest, WhoIsAllowedPasses) {
  start(std::string("rules { ") + kAnyone + " }");
  open().write("ping");
  world_.settle();
  EXPECT_EQ(origin_.peers.at(0)->received, "ping");
  EXPECT_EQ(world_.counter("tcp.rbac.allowed"), 1u);
}

TEST_F(NetworkRbacTest, WhoIsDeniedReachesNoUpstream) {
  start(std::string("rules { action: DENY ") + kAnyone + " } shadow_rules { }");
  upstream::OriginPeer& client = open();
  EXPECT_TRUE(client.closed.has_value());
  EXPECT_TRUE(origin_.peers.empty());
  EXPECT_EQ(world_.counter("tcp.rbac.denied"), 1u);
  EXPECT_EQ(world_.counter("tcp.rbac.shadow_denied"), 1u);
  EXPECT_EQ(world_.connections().size(), 0u);
}

TEST_F(NetworkRbacTest, AnAddressAndAPortAreConditions) {
  start(
      "rules { policies { key: \"p\" value { permissions { destination_ip { address_prefix: \"10.0.0.9\" prefix_len { "
      "value: 32 } } } principals { not_id { remote_ip { address_prefix: \"0.0.0.0\" prefix_len { } } } } } "
      "} }");
  EXPECT_TRUE(open().closed.has_value());
}

TEST_F(NetworkRbacTest, CheckedAgainWithLaterBytesWhereThatIsAskedFor) {
  start(std::string("enforcement_type: CONTINUOUS rules { ") + kAnyone + " }");
  upstream::OriginPeer& client = open();
  client.write("a");
  world_.settle();
  client.write("b");
  world_.settle();
  EXPECT_EQ(world_.counter("tcp.rbac.allowed"), 3u);  // and once when it was accepted
}

TEST_F(NetworkRbacTest, ADenialMayComeLate) {
  start("delay_deny { seconds: 5 } rules { }");
  upstream::OriginPeer& client = world_.connect();
  world_.world.simulation.runUntilIdle(absl::Seconds(4));
  EXPECT_FALSE(client.closed.has_value());
  world_.world.simulation.runUntilIdle(absl::Seconds(6));
  EXPECT_TRUE(client.closed.has_value());
  EXPECT_TRUE(origin_.peers.empty());
}

std::string matcherOn(const std::string& input, const std::string& regex, const std::string& action) {
  return "matcher { matcher_list { matchers { predicate { single_predicate { input { name: \"i\" typed_config { "
         "[type.googleapis.com/" +
         input + "] {} } } value_match { safe_regex { regex: \"" + regex +
         "\" } } } } on_match { action { name: \"a\" typed_config { "
         "[type.googleapis.com/envoy.config.rbac.v3.Action] { name: \"a\" action: " +
         action + " } } } } } } }";
}

TEST_F(NetworkRbacTest, ATreeOfConditionsDecides) {
  const std::string input =
      envoy::extensions::matching::common_inputs::network::v3::SourceIPInput::descriptor()->full_name();
  start(matcherOn(input, "[0-9.]+", "ALLOW") + " shadow_" + matcherOn(input, "unknown", "ALLOW"));
  EXPECT_FALSE(open().closed.has_value());
  EXPECT_EQ(world_.counter("tcp.rbac.allowed"), 1u);
  EXPECT_EQ(world_.counter("tcp.rbac.shadow_denied"), 1u);
  EXPECT_EQ(make(matcherOn("envoy.type.matcher.v3.HttpRequestHeaderMatchInput", "a", "ALLOW")), nullptr);
}

TEST_F(NetworkRbacTest, ConditionsOnRequestsAreRefused) {
  EXPECT_EQ(
      make("rules { policies { key: \"p\" value { permissions { url_path { path { exact: \"/\" } } } principals { "
           "header { name: \"a\" present_match: true } } } } }"),
      nullptr);
  ASSERT_EQ(diagnostics_.errors(), 2u);
  EXPECT_EQ(diagnostics_.all()[0].path, "rules.policies[\"p\"].permissions[0].url_path");
}

}  // namespace
}  // namespace weir::extensions::network_rbac
