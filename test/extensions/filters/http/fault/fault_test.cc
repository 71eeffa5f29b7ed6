#include "source/extensions/filters/http/fault/fault.h"

#include "gtest/gtest.h"
#include "test/harness/filter/filter_contract.h"
#include "test/harness/filter/filter_harness.h"

namespace weir::extensions::fault {
namespace {

using harness::FilterHarness;

constexpr char kDelay[] = "delay { fixed_delay { seconds: 3 } percentage { numerator: 100 } }";
constexpr char kAbort[] = "abort { http_status: 418 percentage { numerator: 100 } }";

TEST(FaultFilterTest, ADelayHoldsTheRequestForItsTime) {
  FilterHarness h(faultType(), kDelay);
  auto x = h.open();
  x->get("/");
  h.world.simulation.runFor(absl::Milliseconds(2990));
  EXPECT_FALSE(x->terminal_open);
  EXPECT_EQ(h.world.stats.gaugeValue("http.test.fault.active_faults"), 1);
  h.world.simulation.runFor(absl::Milliseconds(20));
  EXPECT_TRUE(x->terminal_open);
  EXPECT_EQ(h.world.counter("http.test.fault.delays_injected"), 1u);
  EXPECT_EQ(h.world.stats.gaugeValue("http.test.fault.active_faults"), 0);
}

TEST(FaultFilterTest, AnAbortAnswersWithItsStatus) {
  FilterHarness h(faultType(), kAbort);
  const auto x = h.get();
  EXPECT_EQ(x->client.sent(), "HEAD 418 length=18 content-type=text/plain; DATA fault filter abort; END; ");
  EXPECT_EQ(x->info.reason, http::Reason::kFaultAbort);
  EXPECT_EQ(h.world.counter("http.test.fault.aborts_injected"), 1u);
}

TEST(FaultFilterTest, AnAbortOfGrpcHasItsOwnStatus) {
  FilterHarness h(faultType(), "abort { grpc_status: 8 percentage { numerator: 100 } }");
  EXPECT_EQ(h.get({{"content-type", "application/grpc+proto"}})->client.sent(),
            "HEAD 200 grpc-status=8 grpc-message=fault filter abort content-type=application/grpc; END; ");
  const auto plain = h.get();
  EXPECT_EQ(plain->status(), 200);
  EXPECT_FALSE(plain->terminal_open);
  FilterHarness http(faultType(), kAbort);
  EXPECT_EQ(http.get({{"content-type", "application/grpc"}})->client.head()->value("grpc-status"), "2");
}

TEST(FaultFilterTest, ADelayedRequestMayBeAbortedAfterIt) {
  FilterHarness h(faultType(), std::string(kDelay) + kAbort);
  auto x = h.open();
  x->get("/");
  h.world.simulation.runFor(absl::Seconds(2));
  EXPECT_EQ(x->status(), 0);
  h.world.simulation.runFor(absl::Seconds(2));
  EXPECT_EQ(x->status(), 418);
  x.reset();
  EXPECT_EQ(h.world.stats.gaugeValue("http.test.fault.active_faults"), 0);
}

TEST(FaultFilterTest, OnlyTheGivenShareIsHit) {
  FilterHarness h(faultType(), "abort { http_status: 503 percentage { numerator: 2500 denominator: TEN_THOUSAND } }");
  int aborted = 0;
  for (int i = 0; i < 1000; ++i) aborted += h.get()->status() == 503 ? 1 : 0;
  EXPECT_GT(aborted, 200);
  EXPECT_LT(aborted, 300);
  FilterHarness none(faultType(), "abort { http_status: 503 }");
  EXPECT_EQ(none.get()->status(), 200);
}

TEST(FaultFilterTest, HeadersAndClusterMustMatch) {
  FilterHarness h(faultType(), std::string(kAbort) + "headers { name: 'x-fault' exact_match: '1' }");
  EXPECT_EQ(h.get()->status(), 200);
  EXPECT_EQ(h.get({{"x-fault", "1"}})->status(), 418);
  FilterHarness other(faultType(), std::string(kAbort) + "upstream_cluster: 'other'");
  EXPECT_EQ(other.get()->status(), 200);
  FilterHarness same(faultType(), std::string(kAbort) + "upstream_cluster: 'cluster'");
  EXPECT_EQ(same.get()->status(), 418);
}

TEST(FaultFilterTest, NoMoreThanTheMaximumAreActive) {
  FilterHarness h(faultType(), std::string(kDelay) + "max_active_faults { value: 2 }");
  std::vector<std::unique_ptr<harness::FilterExchange>> exchanges;
  for (int i = 0; i < 3; ++i) {
    exchanges.push_back(h.open());
    exchanges.back()->get("/");
    exchanges.back()->settle();
  }
  EXPECT_FALSE(exchanges[1]->terminal_open);
  EXPECT_TRUE(exchanges[2]->terminal_open);
  EXPECT_EQ(h.world.counter("http.test.fault.faults_overflow"), 1u);
  exchanges.erase(exchanges.begin());  // a delayed request that ends gives its place back
  EXPECT_EQ(h.get()->terminal_open, false);
}

TEST(FaultFilterTest, ARouteReplacesTheConfiguration) {
  FilterHarness h(faultType(), "");
  h.addRoute(kAbort);
  EXPECT_EQ(h.get()->status(), 418);
}

TEST(FaultFilterTest, KeepsTheContractOfFilters) {
  harness::FilterContract contract;
  contract.make = [](harness::FilterWorld& w) { return w.makeFilter(faultType(), kDelay); };
  EXPECT_NE(harness::runFilterContract(contract).find("upstream: HEAD POST"), std::string::npos);
  contract.make = [](harness::FilterWorld& w) { return w.makeFilter(faultType(), std::string(kDelay) + kAbort); };
  EXPECT_NE(harness::runFilterContract(contract).find("client: HEAD 418"), std::string::npos);
}

}  // namespace
}  // namespace weir::extensions::fault
