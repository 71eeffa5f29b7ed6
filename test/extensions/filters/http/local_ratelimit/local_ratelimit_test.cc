#include "source/extensions/filters/http/local_ratelimit/local_ratelimit.h"

#include "gtest/gtest.h"
#include "test/harness/filter/filter_contract.h"
#include "test/harness/filter/filter_harness.h"

namespace weir::extensions::local_ratelimit {
namespace {

using harness::FilterHarness;

constexpr char kOn[] = R"(
  filter_enabled { default_value { numerator: 100 } } filter_enforced { default_value { numerator: 100 } })";

std::string limit(int tokens, std::string_view more = "") {
  return "stat_prefix: 'edge' token_bucket { max_tokens: " + std::to_string(tokens) +
         " tokens_per_fill { value: " + std::to_string(tokens) + " } fill_interval { seconds: 1 } } " +
         std::string(more);
}

TEST(LocalRatelimitFilterTest, OfAHundredAtOnceExactlyTenPass) {
  FilterHarness h(localRatelimitType(), limit(10, kOn));
  for (int round = 0; round < 3; ++round) {
    int passed = 0;
    int refused = 0;
    for (int i = 0; i < 100; ++i) {
      const auto x = h.get();
      passed += x->status() == 200 ? 1 : 0;
      refused += x->status() == 429 ? 1 : 0;
    }
    EXPECT_EQ(passed, 10);
    EXPECT_EQ(refused, 90);
    h.world.simulation.runFor(absl::Milliseconds(1001));
  }
  EXPECT_EQ(h.world.counter("edge.http_local_rate_limit.enabled"), 300u);
  EXPECT_EQ(h.world.counter("edge.http_local_rate_limit.ok"), 30u);
  EXPECT_EQ(h.world.counter("edge.http_local_rate_limit.rate_limited"), 270u);
  EXPECT_EQ(h.world.counter("edge.http_local_rate_limit.enforced"), 270u);
}

TEST(LocalRatelimitFilterTest, ARefusalSaysWhenToComeAgain) {
  FilterHarness h(localRatelimitType(), limit(1, std::string(kOn) + R"(
                    response_headers_to_add { header { key: "x-limited" value: "%REQ(:PATH)%" } })"));
  h.get();
  const auto x = h.get();
  EXPECT_EQ(x->client.sent(),
            "HEAD 429 length=18 retry-after=1 x-limited=/path?query content-type=text/plain; "
            "DATA local_rate_limited; END; ");
  EXPECT_EQ(x->info.reason, http::Reason::kRateLimited);
}

TEST(LocalRatelimitFilterTest, TheStatusMayBeAnother) {
  FilterHarness h(localRatelimitType(), limit(1, std::string(kOn) + "status { code: ServiceUnavailable }"));
  h.get();
  EXPECT_EQ(h.get()->status(), 503);
  FilterHarness not_an_error(localRatelimitType(), limit(1, std::string(kOn) + "status { code: OK }"));
  not_an_error.get();
  EXPECT_EQ(not_an_error.get()->status(), 429);
}

TEST(LocalRatelimitFilterTest, NothingIsEnabledUnlessTheConfigurationSaysSo) {
  FilterHarness h(localRatelimitType(), limit(1));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(h.get()->status(), 200);
  EXPECT_EQ(h.world.counter("edge.http_local_rate_limit.enabled"), 0u);
}

TEST(LocalRatelimitFilterTest, WhatIsNotEnforcedIsCountedAndMarked) {
  FilterHarness h(localRatelimitType(), limit(1, R"(filter_enabled { default_value { numerator: 100 } }
                    request_headers_to_add_when_not_enforced { header { key: "x-would" value: "limit" } })"));
  EXPECT_EQ(h.get()->upstream.sent(), "HEAD GET /path?query; END; ");
  EXPECT_EQ(h.get()->upstream.sent(), "HEAD GET /path?query x-would=limit; END; ");
  EXPECT_EQ(h.world.counter("edge.http_local_rate_limit.rate_limited"), 1u);
  EXPECT_EQ(h.world.counter("edge.http_local_rate_limit.enforced"), 0u);
}

TEST(LocalRatelimitFilterTest, ARouteHasABucketOfItsOwn) {
  FilterHarness h(localRatelimitType(), "stat_prefix: 'edge'");
  EXPECT_EQ(h.get()->status(), 200);
  h.addRoute(limit(2, kOn));
  EXPECT_EQ(h.get()->status(), 200);
  EXPECT_EQ(h.get()->status(), 200);
  EXPECT_EQ(h.get()->status(), 429);
}

TEST(LocalRatelimitFilterTest, RatelimitHeadersAreAddedWhereAsked) {
  FilterHarness h(localRatelimitType(), limit(2, std::string(kOn) + "enable_x_ratelimit_headers: DRAFT_VERSION_03"));
  EXPECT_EQ(h.get()->client.sent(), "HEAD 200 x-ratelimit-limit=2 x-ratelimit-remaining=1 x-ratelimit-reset=1; END; ");
  h.get();
  EXPECT_EQ(h.get()->client.head()->value("x-ratelimit-remaining"), "0");
}

TEST(LocalRatelimitFilterTest, KeepsTheContractOfFilters) {
  harness::FilterContract contract;
  contract.make = [](harness::FilterWorld& w) { return w.makeFilter(localRatelimitType(), limit(1, kOn)); };
  EXPECT_NE(harness::runFilterContract(contract).find("HEAD 200"), std::string::npos);
}

}  // namespace
}  // namespace weir::extensions::local_ratelimit
