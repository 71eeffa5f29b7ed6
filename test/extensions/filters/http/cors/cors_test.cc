#include "source/extensions/filters/http/cors/cors.h"

#include "envoy/config/route/v3/route.pb.h"
#include "gtest/gtest.h"
#include "test/harness/filter/filter_contract.h"
#include "test/harness/filter/filter_harness.h"

namespace weir::extensions::cors {
namespace {

using harness::FilterHarness;

constexpr char kPolicy[] = R"(
  allow_origin_string_match { suffix: ".example.com" }
  allow_methods: "GET, PUT" allow_headers: "x-a" expose_headers: "x-b" max_age: "600"
  allow_credentials { value: true })";

std::unique_ptr<harness::FilterExchange> preflight(FilterHarness& h, std::string_view origin, bool wants_private) {
  auto x = h.open();
  http::Head& head = x->request("OPTIONS", "/", {{"origin", origin}, {"access-control-request-method", "PUT"}});
  if (wants_private) head.headers.add("access-control-request-private-network", "true");
  x->client.pushHead(head);
  x->client.pushEnd();
  x->settle();
  return x;
}

TEST(CorsFilterTest, ResponsesToAllowedOriginsAreMarked) {
  FilterHarness h(corsType(), "");
  h.addRoute(kPolicy);
  EXPECT_EQ(h.get({{"origin", "https://a.example.com"}})->client.sent(),
            "HEAD 200 access-control-allow-origin=https://a.example.com access-control-allow-credentials=true "
            "access-control-expose-headers=x-b; END; ");
  EXPECT_EQ(h.get({{"origin", "https://evil.org"}})->client.sent(), "HEAD 200; END; ");
  EXPECT_EQ(h.get()->client.sent(), "HEAD 200; END; ");
  EXPECT_EQ(h.world.counter("http.test.cors.origin_valid"), 1u);
  EXPECT_EQ(h.world.counter("http.test.cors.origin_invalid"), 1u);
}

TEST(CorsFilterTest, PreflightRequestsAreAnswered) {
  FilterHarness h(corsType(), "");
  h.addRoute(kPolicy);
  const auto x = preflight(h, "https://a.example.com", true);
  EXPECT_EQ(x->client.sent(),
            "HEAD 200 length=0 access-control-allow-origin=https://a.example.com "
            "access-control-allow-credentials=true access-control-allow-methods=GET, PUT "
            "access-control-allow-headers=x-a access-control-max-age=600; END; ");
  EXPECT_FALSE(x->terminal_open);
  EXPECT_EQ(x->info.reason, http::Reason::kCorsPreflight);
  EXPECT_TRUE(preflight(h, "https://evil.org", false)->terminal_open);
}

TEST(CorsFilterTest, PreflightRequestsOfOtherOriginsMayEndHere) {
  FilterHarness h(corsType(), "");
  h.addRoute(std::string(kPolicy) + "forward_not_matching_preflights { value: false }");
  const auto x = preflight(h, "https://evil.org", true);
  EXPECT_EQ(x->client.sent(), "HEAD 200 length=0; END; ");
  EXPECT_FALSE(x->terminal_open);
  EXPECT_TRUE(h.get({{"origin", "https://evil.org"}})->terminal_open);
  FilterHarness forwards(corsType(), "");
  forwards.addRoute(std::string(kPolicy) + "forward_not_matching_preflights { value: true }");
  EXPECT_TRUE(preflight(forwards, "https://evil.org", false)->terminal_open);
}

TEST(CorsFilterTest, WithoutAPolicyItDoesNothing) {
  FilterHarness h(corsType(), "");
  EXPECT_EQ(h.get({{"origin", "https://a.example.com"}})->client.sent(), "HEAD 200; END; ");
  EXPECT_TRUE(preflight(h, "https://a.example.com", false)->terminal_open);
}

TEST(CorsFilterTest, TheMostSpecificPolicySaysItFirst) {
  FilterHarness h(corsType(), "");
  h.addRoute(kPolicy);
  h.addRoute("allow_methods: 'POST' allow_credentials { value: false } allow_private_network_access { value: true }");
  EXPECT_EQ(preflight(h, "https://a.example.com", true)->client.sent(),
            "HEAD 200 length=0 access-control-allow-origin=https://a.example.com access-control-allow-methods=POST "
            "access-control-allow-headers=x-a access-control-max-age=600 "
            "access-control-allow-private-network=true; END; ");
}

TEST(CorsFilterTest, APolicyMayBeSwitchedOff) {
  FilterHarness h(corsType(), "");
  h.addRoute(std::string(kPolicy) + "filter_enabled { default_value { numerator: 0 } }");
  EXPECT_EQ(h.get({{"origin", "https://a.example.com"}})->client.sent(), "HEAD 200; END; ");
}

TEST(CorsFilterTest, APolicyInItsShadowIsOnlyCounted) {
  FilterHarness h(corsType(), "");
  h.addRoute(std::string(kPolicy) +
             "filter_enabled { default_value { numerator: 0 } } shadow_enabled { default_value { numerator: 100 } }");
  EXPECT_EQ(h.get({{"origin", "https://a.example.com"}})->client.sent(), "HEAD 200; END; ");
  EXPECT_EQ(h.get({{"origin", "https://evil.org"}})->client.sent(), "HEAD 200; END; ");
  EXPECT_TRUE(preflight(h, "https://a.example.com", false)->terminal_open);
  EXPECT_EQ(h.world.counter("http.test.cors.origin_valid"), 2u);
  EXPECT_EQ(h.world.counter("http.test.cors.origin_invalid"), 1u);
}

TEST(CorsFilterTest, TheOlderPolicyOfRoutesIsTakenToo) {
  FilterHarness h(corsType(), "");
  envoy::config::route::v3::CorsPolicy older;
  older.add_allow_origin_string_match()->set_exact("https://old");
  older.set_expose_headers("x-o");
  older.mutable_shadow_enabled()->mutable_default_value()->set_numerator(100);
  base::Diagnostics diagnostics;
  const base::FieldPath root;
  h.route.configs[0].push_back(
      corsType().make_route_config(older, {h.world.stats, diagnostics, root, "test", h.world.simulation.clock()}));
  EXPECT_EQ(h.get({{"origin", "https://old"}})->client.sent(),
            "HEAD 200 access-control-allow-origin=https://old access-control-expose-headers=x-o; END; ");
  older.mutable_filter_enabled();
  h.route.configs[0].back() =
      corsType().make_route_config(older, {h.world.stats, diagnostics, root, "test", h.world.simulation.clock()});
  EXPECT_EQ(h.get({{"origin", "https://old"}})->client.sent(), "HEAD 200; END; ");
  EXPECT_EQ(h.world.counter("http.test.cors.origin_valid"), 2u) << "in its shadow";
}

TEST(CorsFilterTest, KeepsTheContractOfFilters) {
  harness::FilterContract contract;
  contract.make = [](harness::FilterWorld& w) { return w.makeFilter(corsType(), ""); };
  contract.route = [](harness::FilterWorld& w, harness::FakeRoute& route, size_t slot) {
    route.configs[slot].push_back(w.makeRouteConfig(corsType(), kPolicy));
  };
  contract.request_fields = {{"origin", "https://a.example.com"}};
  EXPECT_NE(harness::runFilterContract(contract).find("access-control-allow-origin"), std::string::npos);
  contract.method = "OPTIONS";
  contract.request_fields.emplace_back("access-control-request-method", "PUT");
  EXPECT_NE(harness::runFilterContract(contract).find("access-control-max-age"), std::string::npos);
}

}  // namespace
}  // namespace weir::extensions::cors
