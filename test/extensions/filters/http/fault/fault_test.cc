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

constexpr char kSlow[] = "response_rate_limit { fixed_limit { limit_kbps: 1 } percentage { numerator: 100 } }";

TEST(FaultFilterTest, ABodyComesNoFasterThanItsRate) {
  FilterHarness h(faultType(), kSlow);
  auto x = h.open();
  x->get("/");
  x->settle();
  x->upstream.pushHead(x->response(200));
  x->upstream.pushData(std::string(512, 'a'));
  x->upstream.pushData(std::string(2048, 'b'));
  x->upstream.pushEnd();
  const auto after = [&](int milliseconds) {
    h.world.simulation.runFor(absl::Milliseconds(milliseconds));
    return x->client.body().size();
  };
  EXPECT_EQ(after(10), 0u);
  EXPECT_EQ(x->status(), 200);
  EXPECT_EQ(h.world.stats.gaugeValue("http.test.fault.active_faults"), 1);
  EXPECT_EQ(after(480), 0u);
  EXPECT_EQ(after(30), 512u);
  EXPECT_EQ(after(1960), 512u);
  EXPECT_EQ(after(40), 2560u);
  EXPECT_EQ(h.world.counter("http.test.fault.response_rl_injected"), 1u);
  x.reset();
  EXPECT_EQ(h.world.stats.gaugeValue("http.test.fault.active_faults"), 0);
  auto gone = h.open();
  gone->get("/");
  gone->settle();
  gone->upstream.pushHead(gone->response(200));
  gone->upstream.pushData("abc");
  gone->settle();
  gone.reset();
  h.world.simulation.runFor(absl::Seconds(10));
  EXPECT_EQ(h.world.stats.gaugeValue("http.test.fault.active_faults"), 0);
}

TEST(FaultFilterTest, AnAbortIsNotSlowedAndADelayComesBeforeTheRate) {
  FilterHarness h(faultType(), std::string(kSlow) + kAbort);
  EXPECT_EQ(h.get()->client.body(), "fault filter abort");
  FilterHarness both(faultType(), std::string(kSlow) + kDelay);
  auto x = both.open();
  x->get("/");
  both.world.simulation.runFor(absl::Seconds(4));
  ASSERT_TRUE(x->terminal_open);
  x->upstream.pushHead(x->response(200));
  x->upstream.pushData(std::string(1024, 'a'));
  both.world.simulation.runFor(absl::Milliseconds(990));
  EXPECT_EQ(x->client.body(), "");
  both.world.simulation.runFor(absl::Milliseconds(20));
  EXPECT_EQ(x->client.body().size(), 1024u);
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
  const std::string fast = "response_rate_limit { fixed_limit { limit_kbps: 100000 } percentage { numerator: 100 } }";
  contract.make = [&fast](harness::FilterWorld& w) { return w.makeFilter(faultType(), fast); };
  const std::string all = harness::runFilterContract(contract);
  EXPECT_NE(all.find("client: HEAD"), std::string::npos) << all;
}

}  // namespace
}  // namespace weir::extensions::fault
