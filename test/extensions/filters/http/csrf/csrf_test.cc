#include "source/extensions/filters/http/csrf/csrf.h"

#include <string>

#include "gtest/gtest.h"
#include "test/harness/filter/filter_contract.h"
#include "test/harness/filter/filter_harness.h"

namespace weir::extensions::csrf {
namespace {

using harness::Fields;
using harness::FilterHarness;

const std::string kOn = "filter_enabled { default_value { numerator: 100 } } ";
const std::string kOff = "filter_enabled { default_value { } } ";

// What a request to example.com gets: 0 when it went on.
int statusOf(FilterHarness& h, std::string_view method, Fields fields) {
  auto x = h.open();
  x->client.pushHead(x->request(method, "/", fields));
  x->client.pushEnd();
  x->settle();
  if (x->status() == 403) {
    EXPECT_EQ(x->info.reason, http::Reason::kCsrf);
    EXPECT_EQ(x->client.body(), "Invalid origin");
  }
  return x->status();
}

TEST(CsrfTest, WhatAnotherSiteSendsIsRefused) {
  FilterHarness h(csrfType(), kOn);
  for (const char* method : {"POST", "PUT", "DELETE", "PATCH"}) {
    EXPECT_EQ(statusOf(h, method, {{"origin", "https://evil.example"}}), 403) << method;
    EXPECT_EQ(statusOf(h, method, {{"origin", "https://EXAMPLE.com"}}), 0) << method;
    EXPECT_EQ(statusOf(h, method, {}), 403) << method;
  }
  EXPECT_EQ(h.world.counter("http.test.csrf.request_invalid"), 4u);
  EXPECT_EQ(h.world.counter("http.test.csrf.request_valid"), 4u);
  EXPECT_EQ(h.world.counter("http.test.csrf.missing_source_origin"), 4u);
  EXPECT_EQ(statusOf(h, "GET", {{"origin", "https://evil.example"}}), 0);
}

TEST(CsrfTest, TheRefererCountsWhereThereIsNoOrigin) {
  FilterHarness h(csrfType(), kOn);
  EXPECT_EQ(statusOf(h, "POST", {{"referer", "https://example.com/form?x"}}), 0);
  EXPECT_EQ(statusOf(h, "POST", {{"referer", "https://evil.example/example.com"}}), 403);
  EXPECT_EQ(statusOf(h, "POST", {{"origin", "https://evil.example"}, {"referer", "https://example.com/"}}), 403);
  EXPECT_EQ(statusOf(h, "POST", {{"origin", "null"}}), 403);
  EXPECT_EQ(statusOf(h, "POST", {{"origin", "https://example.com:8443"}}), 403);
}

TEST(CsrfTest, OtherOriginsMayBeAllowed) {
  FilterHarness h(csrfType(), kOn + "additional_origins { suffix: \".partner.example\" }");
  EXPECT_EQ(statusOf(h, "POST", {{"origin", "https://a.partner.example"}}), 0);
  EXPECT_EQ(statusOf(h, "POST", {{"origin", "https://partner.example.evil"}}), 403);
}

TEST(CsrfTest, TheShadowOnlyCounts) {
  FilterHarness h(csrfType(), kOff + "shadow_enabled { default_value { numerator: 100 } }");
  EXPECT_EQ(statusOf(h, "POST", {{"origin", "https://evil.example"}}), 0);
  EXPECT_EQ(h.world.counter("http.test.csrf.request_invalid"), 1u);
  FilterHarness off(csrfType(), kOff);
  EXPECT_EQ(statusOf(off, "POST", {{"origin", "https://evil.example"}}), 0);
  EXPECT_EQ(off.world.counter("http.test.csrf.request_invalid"), 0u);
}

TEST(CsrfTest, ARouteReplacesThePolicy) {
  FilterHarness h(csrfType(), kOn);
  h.addRoute(kOff);
  EXPECT_EQ(statusOf(h, "POST", {}), 0);
}

TEST(CsrfTest, KeepsTheContractOfFilters) {
  for (const char* origin : {"http://example.com", "http://evil.example"}) {
    harness::FilterContract contract;
    contract.make = [](harness::FilterWorld& w) { return w.makeFilter(csrfType(), kOn); };
    contract.request_fields = {{"origin", origin}};
    harness::runFilterContract(contract);
  }
}

}  // namespace
}  // namespace weir::extensions::csrf
