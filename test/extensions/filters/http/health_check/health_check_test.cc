#include "source/extensions/filters/http/health_check/health_check.h"

#include "gtest/gtest.h"
#include "test/harness/filter/filter_contract.h"
#include "test/harness/filter/filter_harness.h"

namespace weir::extensions::health_check {
namespace {

using harness::FilterHarness;

constexpr char kMatching[] = R"(
  pass_through_mode { value: false }
  headers { name: ":path" string_match { exact: "/path?query" } }
  headers { name: "x-check" present_match: true })";
constexpr char kPassing[] = R"(
  pass_through_mode { value: true } headers { name: "x-check" present_match: true })";

TEST(HealthCheckFilterTest, AnswersRequestsThatMatchEveryHeader) {
  FilterHarness h(healthCheckType(), kMatching);
  const auto hit = h.get({{"x-check", "1"}});
  EXPECT_EQ(hit->client.sent(), "HEAD 200 length=0; END; ");
  EXPECT_FALSE(hit->terminal_open);
  EXPECT_TRUE(hit->info.health_check);
  EXPECT_EQ(hit->info.reason, http::Reason::kHealthCheck);
  const auto miss = h.get();
  EXPECT_TRUE(miss->terminal_open);
  EXPECT_FALSE(miss->info.health_check);
}

TEST(HealthCheckFilterTest, PassThroughOnlyMarks) {
  FilterHarness h(healthCheckType(), kPassing);
  const auto hit = h.get({{"x-check", "1"}});
  EXPECT_TRUE(hit->terminal_open);
  EXPECT_TRUE(hit->info.health_check);
}

TEST(HealthCheckFilterTest, FailsInBothModesWhileTheWorkerDrains) {
  for (const char* const config : {kMatching, kPassing}) {
    FilterHarness h(healthCheckType(), config);
    bool draining = false;
    h.world.worker.draining = &draining;
    EXPECT_EQ(h.get({{"x-check", "1"}})->client.sent().find("HEAD 503 "), std::string::npos);
    draining = true;
    const auto hit = h.get({{"x-check", "1"}});
    EXPECT_EQ(hit->client.sent(), "HEAD 503 length=0; END; ");
    EXPECT_FALSE(hit->terminal_open);
    EXPECT_TRUE(hit->info.health_check);
    EXPECT_TRUE(h.get()->terminal_open);
  }
}

TEST(HealthCheckFilterTest, ABadMatcherIsAnError) {
  harness::FilterWorld world;
  EXPECT_EQ(world.errorsOf(healthCheckType(), "headers { name: 'a' safe_regex_match { regex: '(' } }").substr(0, 32),
            "headers[0].safe_regex_match.rege");
}

TEST(HealthCheckFilterTest, KeepsTheContractOfFilters) {
  harness::FilterContract contract;
  contract.make = [](harness::FilterWorld& w) { return w.makeFilter(healthCheckType(), kPassing); };
  harness::runFilterContract(contract);
  contract.make = [](harness::FilterWorld& w) {
    return w.makeFilter(healthCheckType(), "pass_through_mode { value: false }");
  };
  EXPECT_EQ(harness::runFilterContract(contract), "client: HEAD 200 length=0; END; upstream: ");
}

}  // namespace
}  // namespace weir::extensions::health_check
