#include "source/extensions/filters/http/rbac/rbac.h"

#include <string>

#include "envoy/extensions/matching/common_inputs/network/v3/network_inputs.pb.h"
#include "envoy/extensions/matching/common_inputs/ssl/v3/ssl_inputs.pb.h"
#include "gtest/gtest.h"
#include "source/net/transport_info.h"
#include "test/harness/filter/filter_contract.h"
#include "test/harness/filter/filter_harness.h"

namespace weir::extensions::http_rbac {
namespace {

using harness::Fields;
using harness::FilterHarness;

// Rules with one policy.
std::string rules(const std::string& permission, const std::string& principal, const std::string& action = "ALLOW") {
  return "rules { action: " + action + " policies { key: \"p\" value { permissions { " + permission +
         " } principals { " + principal + " } } } }";
}

// What a request for /path?query of 192.0.2.1, over a connection of 10.0.0.2 to 127.0.0.1:8082, gets.
int statusWith(const std::string& config, Fields fields = {}, const net::TransportInfo* tls = nullptr) {
  FilterHarness h(rbacType(), config);
  auto x = h.open();
  x->info.downstream_transport = tls;
  x->get("/path?query", fields);
  x->settle();
  if (x->terminal_open) x->answer(200);
  x->settle();
  return x->status();
}
bool permitted(const std::string& permission) { return statusWith(rules(permission, "any: true")) == 200; }
bool known(const std::string& principal, const net::TransportInfo* tls = nullptr) {
  return statusWith(rules("any: true", principal), {{"role", "admin"}}, tls) == 200;
}

TEST(RbacTest, ARequestThatNoPolicyMatchesIsDenied) {
  FilterHarness h(rbacType(), rules("url_path { path { exact: \"/path\" } }", "any: true"));
  EXPECT_EQ(h.get()->status(), 200);
  auto x = h.open();
  x->get("/other");
  x->settle();
  EXPECT_EQ(x->status(), 403);
  EXPECT_EQ(x->client.body(), "RBAC: access denied");
  EXPECT_EQ(x->info.reason, http::Reason::kRbacDenied);
  EXPECT_FALSE(x->terminal_open);
  EXPECT_EQ(h.world.counter("http.test.rbac.allowed"), 1u);
  EXPECT_EQ(h.world.counter("http.test.rbac.denied"), 1u);
}

TEST(RbacTest, ActionsSayWhatAMatchMeans) {
  EXPECT_EQ(statusWith(rules("any: true", "any: true", "DENY")), 403);
  EXPECT_EQ(statusWith(rules("url_path { path { exact: \"/x\" } }", "any: true", "DENY")), 200);
  EXPECT_EQ(statusWith(rules("any: true", "any: true", "LOG")), 200);
  EXPECT_EQ(statusWith("rules { action: ALLOW }"), 403);  // nothing is allowed
  EXPECT_EQ(statusWith("rules { action: DENY }"), 200);
  EXPECT_EQ(statusWith(""), 200);
}

TEST(RbacTest, Permissions) {
  EXPECT_TRUE(permitted("any: true"));
  EXPECT_TRUE(permitted("header { name: \":method\" string_match { exact: \"GET\" } }"));
  EXPECT_FALSE(permitted("header { name: \":method\" string_match { exact: \"PUT\" } }"));
  EXPECT_TRUE(permitted("url_path { path { exact: \"/path\" } }"));  // without the query
  EXPECT_TRUE(permitted("destination_ip { address_prefix: \"127.0.0.0\" prefix_len { value: 8 } }"));
  EXPECT_FALSE(permitted("destination_ip { address_prefix: \"10.0.0.0\" prefix_len { value: 8 } }"));
  EXPECT_TRUE(permitted("destination_port: 8082"));
  EXPECT_FALSE(permitted("destination_port: 8081"));
  EXPECT_TRUE(permitted("destination_port_range { start: 8000 end: 8083 }"));
  EXPECT_FALSE(permitted("destination_port_range { start: 8000 end: 8082 }"));
  EXPECT_TRUE(permitted("not_rule { destination_port: 1 }"));
  EXPECT_FALSE(permitted("not_rule { any: true }"));
  EXPECT_TRUE(permitted("and_rules { rules { any: true } rules { destination_port: 8082 } }"));
  EXPECT_FALSE(permitted("and_rules { rules { any: true } rules { destination_port: 1 } }"));
  EXPECT_TRUE(permitted("or_rules { rules { destination_port: 1 } rules { destination_port: 8082 } }"));
  EXPECT_FALSE(permitted("or_rules { rules { destination_port: 1 } rules { destination_port: 2 } }"));
  EXPECT_TRUE(permitted("requested_server_name { exact: \"\" }"));  // there was none
  EXPECT_FALSE(permitted("requested_server_name { exact: \"a.example\" }"));
}

TEST(RbacTest, Principals) {
  EXPECT_TRUE(known("any: true"));
  EXPECT_TRUE(known("direct_remote_ip { address_prefix: \"10.0.0.2\" prefix_len { value: 32 } }"));
  EXPECT_TRUE(known("source_ip { address_prefix: \"10.0.0.2\" prefix_len { value: 32 } }"));
  EXPECT_FALSE(known("direct_remote_ip { address_prefix: \"192.0.2.0\" prefix_len { value: 24 } }"));
  EXPECT_TRUE(known("remote_ip { address_prefix: \"192.0.2.0\" prefix_len { value: 24 } }"));
  EXPECT_FALSE(known("remote_ip { address_prefix: \"10.0.0.2\" prefix_len { value: 32 } }"));
  EXPECT_TRUE(known("header { name: \"role\" string_match { exact: \"admin\" } }"));
  EXPECT_TRUE(known("not_id { header { name: \"role\" string_match { exact: \"user\" } } }"));
  EXPECT_TRUE(known("url_path { path { prefix: \"/pa\" } }"));
  EXPECT_TRUE(known("and_ids { ids { any: true } ids { url_path { path { prefix: \"/\" } } } }"));
  EXPECT_FALSE(known("or_ids { ids { not_id { any: true } } }"));
  EXPECT_FALSE(known("authenticated {}"));  // no TLS
}

TEST(RbacTest, ACertificateNamesThePrincipalOnlyWhenItWasVerified) {
  const std::string spiffe = "authenticated { principal_name { exact: \"spiffe://mesh/a\" } }";
  const std::string dns = "authenticated { principal_name { exact: \"a.example\" } }";
  const std::string subject = "authenticated { principal_name { exact: \"CN=a\" } }";
  net::TransportInfo tls;
  tls.server_name = "front.example";
  EXPECT_FALSE(known("authenticated {}", &tls));
  tls.peer = std::make_unique<net::PeerCertificate>();
  tls.peer->subject = "CN=a";
  EXPECT_FALSE(known("authenticated {}", &tls));
  EXPECT_FALSE(known(subject, &tls));
  tls.verified = true;
  EXPECT_TRUE(known("authenticated {}", &tls));
  EXPECT_TRUE(known(subject, &tls));
  tls.peer->dns_names = {"b.example", "a.example"};
  EXPECT_TRUE(known(dns, &tls));
  EXPECT_FALSE(known(subject, &tls));  // only of a certificate that has no other name
  tls.peer->uris = {"spiffe://mesh/a"};
  EXPECT_TRUE(known(spiffe, &tls));
  EXPECT_FALSE(known("authenticated { principal_name { exact: \"spiffe://mesh/b\" } }", &tls));
  EXPECT_EQ(statusWith(rules("requested_server_name { exact: \"front.example\" }", "any: true"), {}, &tls), 200);
}

TEST(RbacTest, ShadowRulesAreOnlyCounted) {
  FilterHarness h(rbacType(),
                  "shadow_rules { action: ALLOW } shadow_rules_stat_prefix: \"next_\" rules_stat_prefix: \"now_\" "
                  "track_per_rule_stats: true " +
                      rules("any: true", "any: true"));
  EXPECT_EQ(h.get()->status(), 200);
  EXPECT_EQ(h.world.counter("http.test.rbac.next_shadow_denied"), 1u);
  EXPECT_EQ(h.world.counter("http.test.rbac.next_shadow_allowed"), 0u);
  EXPECT_EQ(h.world.counter("http.test.rbac.now_allowed"), 1u);
  EXPECT_EQ(h.world.counter("http.test.rbac.policy.p.now_allowed"), 1u);
}

TEST(RbacTest, ARouteReplacesTheRulesOrSwitchesThemOff) {
  const std::string deny = rules("any: true", "any: true", "DENY");
  {
    FilterHarness h(rbacType(), deny);
    h.addRoute("");
    EXPECT_EQ(h.get()->status(), 200);
  }
  FilterHarness h(rbacType(), "");
  h.addRoute("rbac { " + deny + " }");
  EXPECT_EQ(h.get()->status(), 403);
}

// --- trees of conditions

std::string extension(const std::string& type, const std::string& fields = "") {
  return "{ name: \"x\" typed_config { [type.googleapis.com/" + type + "] { " + fields + " } } }";
}
std::string headerInput(const std::string& name) {
  return extension("envoy.type.matcher.v3.HttpRequestHeaderMatchInput", "header_name: \"" + name + "\"");
}
std::string networkInput(const std::string& name) {
  namespace v3 = envoy::extensions::matching::common_inputs::network::v3;
  return extension(v3::SourceIPInput::descriptor()->file()->package() + "." + name);
}
std::string sslInput(const std::string& name) {
  namespace v3 = envoy::extensions::matching::common_inputs::ssl::v3;
  return extension(v3::SubjectInput::descriptor()->file()->package() + "." + name);
}
std::string ranges(const std::string& prefix, int length) {
  return "custom_match " + extension("envoy.extensions.matching.input_matchers.ip.v3.Ip",
                                     "stat_prefix: \"s\" cidr_ranges { address_prefix: \"" + prefix +
                                         "\" prefix_len { value: " + std::to_string(length) + " } }");
}
std::string action(const std::string& kind) {
  return "action " + extension("envoy.config.rbac.v3.Action", "name: \"" + kind + "\" action: " + kind);
}
std::string single(const std::string& input, const std::string& match) {
  return "single_predicate { input " + input + " " + match + " }";
}
// Allows what meets the condition, and nothing else.
std::string allowIf(const std::string& predicate) {
  return "matcher { matcher_list { matchers { predicate { " + predicate + " } on_match { " + action("ALLOW") +
         " } } } }";
}
bool met(const std::string& predicate, const net::TransportInfo* tls = nullptr) {
  return statusWith(allowIf(predicate), {{"role", "admin"}, {"ip", "10.1.2.3"}}, tls) == 200;
}

TEST(RbacMatcherTest, InputsAndConditions) {
  EXPECT_TRUE(met(single(headerInput("Role"), "value_match { exact: \"admin\" }")));
  EXPECT_TRUE(met(single(headerInput("role"), "value_match { prefix: \"ADM\" ignore_case: true }")));
  EXPECT_TRUE(met(single(headerInput(":method"), "value_match { safe_regex { regex: \"GET|HEAD\" } }")));
  EXPECT_FALSE(met(single(headerInput("role"), "value_match { suffix: \"x\" }")));
  EXPECT_FALSE(met(single(headerInput("none"), "value_match { safe_regex { regex: \".*\" } }")));
  EXPECT_TRUE(met("not_matcher { " + single(headerInput("none"), "value_match { contains: \"a\" }") + " }"));
  EXPECT_TRUE(met(single(networkInput("SourceIPInput"), "value_match { exact: \"192.0.2.1\" }")));
  EXPECT_TRUE(met(single(networkInput("SourceIPInput"), ranges("192.0.2.0", 24))));
  EXPECT_FALSE(met(single(networkInput("SourceIPInput"), ranges("192.0.3.0", 24))));
  EXPECT_TRUE(met(single(networkInput("DirectSourceIPInput"), ranges("10.0.0.2", 32))));
  EXPECT_TRUE(met(single(networkInput("DestinationIPInput"), ranges("127.0.0.0", 8))));
  EXPECT_TRUE(met(single(networkInput("DestinationPortInput"), "value_match { exact: \"8082\" }")));
  EXPECT_TRUE(met(single(networkInput("SourcePortInput"), "value_match { exact: \"0\" }")));
  EXPECT_FALSE(met(single(networkInput("ServerNameInput"), "value_match { exact: \"a.example\" }")));
  EXPECT_TRUE(met(single(headerInput("ip"), ranges("10.0.0.0", 8))));
  EXPECT_FALSE(met(single(headerInput("role"), ranges("10.0.0.0", 8))));
  const std::string yes = single(headerInput("role"), "value_match { exact: \"admin\" }");
  const std::string no = single(headerInput("role"), "value_match { exact: \"user\" }");
  EXPECT_TRUE(met("or_matcher { predicate { " + no + " } predicate { " + yes + " } }"));
  EXPECT_FALSE(met("and_matcher { predicate { " + yes + " } predicate { " + no + " } }"));
}

TEST(RbacMatcherTest, NamesOfACertificateCountOnlyWhenItWasVerified) {
  net::TransportInfo tls;
  tls.server_name = "front.example";
  tls.peer = std::make_unique<net::PeerCertificate>();
  tls.peer->subject = "CN=a";
  tls.peer->uris = {"spiffe://mesh/a"};
  tls.peer->dns_names = {"a.example", "b.example"};
  const std::string uri = single(sslInput("UriSanInput"), "value_match { exact: \"spiffe://mesh/a\" }");
  const std::string dns = single(sslInput("DnsSanInput"), "value_match { exact: \"a.example,b.example\" }");
  const std::string subject = single(sslInput("SubjectInput"), "value_match { exact: \"CN=a\" }");
  const std::string name = single(networkInput("ServerNameInput"), "value_match { exact: \"front.example\" }");
  EXPECT_TRUE(met(name, &tls));
  for (const std::string& one : {uri, dns, subject}) EXPECT_FALSE(met(one, &tls));
  tls.verified = true;
  for (const std::string& one : {uri, dns, subject}) EXPECT_TRUE(met(one, &tls));
  EXPECT_FALSE(met(uri));
}

TEST(RbacMatcherTest, TheFirstBranchThatLeadsToAnActionIsTaken) {
  const std::string admin = "predicate { " + single(headerInput("role"), "value_match { exact: \"admin\" }") + " }";
  // The inner tree leads nowhere, so that the search goes on.
  const std::string nowhere = "on_match { matcher { matcher_tree { input " + headerInput("role") +
                              " exact_match_map { map { key: \"user\" value { " + action("ALLOW") + " } } } } } }";
  const std::string list = "matcher { matcher_list { matchers { " + admin + nowhere + " } matchers { " + admin +
                           " on_match { " + action("DENY") + " } } } on_no_match { " + action("ALLOW") + " } }";
  EXPECT_EQ(statusWith(list, {{"role", "admin"}}), 403);
  EXPECT_EQ(statusWith(list, {{"role", "other"}}), 200);
  EXPECT_EQ(statusWith("matcher { on_no_match { " + action("LOG") + " } }"), 200);
  EXPECT_EQ(statusWith("matcher {}"), 403);  // no action denies
}

TEST(RbacMatcherTest, MapsAreExactOrByTheLongestPrefix) {
  const auto map = [](const std::string& kind) {
    return "matcher { matcher_tree { input " + headerInput(":path") + " " + kind + " { map { key: \"/a\" value { " +
           action("ALLOW") + " } } map { key: \"/a/secret\" value { " + action("DENY") + " } } } } }";
  };
  const auto status = [](const std::string& config, const char* path) {
    FilterHarness h(rbacType(), config);
    auto x = h.open();
    x->get(path);
    x->settle();
    return x->terminal_open ? 200 : x->status();
  };
  EXPECT_EQ(status(map("exact_match_map"), "/a"), 200);
  EXPECT_EQ(status(map("exact_match_map"), "/ab"), 403);
  EXPECT_EQ(status(map("prefix_match_map"), "/ab"), 200);
  EXPECT_EQ(status(map("prefix_match_map"), "/a/secret/x"), 403);
  EXPECT_EQ(status(map("prefix_match_map"), "/"), 403);
}

TEST(RbacMatcherTest, ItReplacesTheRulesAndCountsItsActions) {
  FilterHarness h(rbacType(), rules("any: true", "any: true", "DENY") +
                                  "track_per_rule_stats: true shadow_rules { action: ALLOW } matcher { on_no_match { " +
                                  action("ALLOW") + " } } shadow_matcher { on_no_match { " + action("DENY") + " } }");
  EXPECT_EQ(h.get()->status(), 200);
  EXPECT_EQ(h.world.counter("http.test.rbac.allowed"), 1u);
  EXPECT_EQ(h.world.counter("http.test.rbac.policy.ALLOW.allowed"), 1u);
  EXPECT_EQ(h.world.counter("http.test.rbac.shadow_denied"), 1u);
}

TEST(RbacMatcherTest, WhatItCannotBeIsRefused) {
  harness::FilterWorld world;
  const auto errors = [&](const std::string& config) { return world.errorsOf(rbacType(), config); };
  const std::string value = "value_match { exact: \"1\" }";
  EXPECT_NE(
      errors(allowIf(single(extension("envoy.config.rbac.v3.Action", "name: \"a\""), value))).find("an input of the"),
      std::string::npos);
  EXPECT_NE(errors("matcher { on_no_match { action " + headerInput("x") + " } }").find("an action of the type"),
            std::string::npos);
  EXPECT_NE(errors(allowIf(single(headerInput("x"), "custom_match " + headerInput("x")))).find("a matcher of the type"),
            std::string::npos);
  EXPECT_NE(errors(allowIf(single(headerInput("x"), ranges("ten", 8)))).find("cidr_ranges[0]"), std::string::npos);
  EXPECT_NE(errors(allowIf(single(headerInput("x"), "value_match { safe_regex { regex: \"(\" } }"))).find("safe_regex"),
            std::string::npos);
}

TEST(RbacTest, WhatCannotBeIsRefused) {
  harness::FilterWorld world;
  EXPECT_EQ(world.errorsOf(rbacType(), rules("any: false", "any: true")),
            "rules.policies[\"p\"].permissions[0].any: false; allowed: true\n");
  EXPECT_NE(world.errorsOf(rbacType(), rules("destination_port_range { start: 9 end: 9 }", "any: true"))
                .find("allowed: 0 <= start < end <= 65536"),
            std::string::npos);
  EXPECT_NE(world.errorsOf(rbacType(), rules("any: true", "remote_ip { address_prefix: \"x\" }")).find("remote_ip"),
            std::string::npos);
}

TEST(RbacTest, KeepsTheContractOfFilters) {
  for (const char* action : {"ALLOW", "DENY"}) {
    harness::FilterContract contract;
    contract.make = [&](harness::FilterWorld& w) {
      return w.makeFilter(rbacType(), rules("any: true", "any: true", action));
    };
    harness::runFilterContract(contract);
  }
}

}  // namespace
}  // namespace weir::extensions::http_rbac
