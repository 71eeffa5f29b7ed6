#include "source/extensions/filters/http/rbac/rbac.h"

#include <string>

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
