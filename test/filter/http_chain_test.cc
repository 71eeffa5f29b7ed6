// The way of parts through the chain: order, skipping, waiting, backpressure, completion.
#include "source/filter/http_chain.h"

#include "gtest/gtest.h"
#include "test/filter/chain_fixture.h"

namespace weir::filter {
namespace {

using http::Reason;

class HttpChainTest : public ChainFixture {};

TEST_F(HttpChainTest, RequestsRunFirstToLastAndResponsesLastToFirst) {
  probes_ = {{"a"}, {"b"}};
  auto& x = open();
  x.client.pushHead(x.request("POST", "/p"));
  x.client.pushData("abc");
  x.client.pushEnd(x.trailers({{"t", "1"}}));
  run();
  EXPECT_EQ(calls(),
            "a: requestHead; b: requestHead; a: requestData abc; b: requestData abc; a: requestEnd; b: requestEnd; ");
  EXPECT_EQ(x.upstream.sent(), "HEAD POST /p; DATA abc; END t=1; ");
  EXPECT_TRUE(x.chain.requestComplete());
  EXPECT_FALSE(x.chain.responseStarted());
  x.upstream.pushHead(x.response(200, {{"k", "v"}}));
  x.upstream.pushData("xyz");
  x.upstream.pushEnd(x.trailers({{"u", "2"}}));
  run();
  EXPECT_EQ(calls(),
            "b: responseHead 200; a: responseHead 200; b: responseData xyz; a: responseData xyz; b: responseEnd; "
            "a: responseEnd; ");
  EXPECT_EQ(x.client.sent(), "HEAD 200 k=v; DATA xyz; END u=2; ");
  EXPECT_TRUE(x.complete());
  EXPECT_EQ(x.info.bytes_received, 3u);
  EXPECT_EQ(x.info.bytes_sent, 3u);
  EXPECT_EQ(x.info.status, 200);
  EXPECT_EQ(x.info.reason, Reason::kNone);
  EXPECT_TRUE(x.info.request_complete && x.info.response_started);
  exchange_.reset();
  EXPECT_EQ(calls(), "a: complete; b: complete; ");
}

TEST_F(HttpChainTest, AChainWithoutFiltersPassesEverything) {
  auto& x = open();
  x.get("/p");
  x.answer(204);
  run();
  EXPECT_EQ(x.upstream.sent(), "HEAD GET /p; END; ");
  EXPECT_EQ(x.client.sent(), "HEAD 204; END; ");
  EXPECT_TRUE(x.complete());
}

TEST_F(HttpChainTest, FiltersAreLeftOutOfHooksThatTheyDoNotHave) {
  probes_ = {{"a"}, {"b"}, {"c"}};
  probes_[0].hooks = HookMask::kRequestData | HookMask::kComplete;
  probes_[1].hooks = HookMask::kRequestHead | HookMask::kResponseEnd | HookMask::kComplete;
  probes_[2].hooks = HookMask::kComplete;
  auto& x = open();
  x.client.pushHead(x.request("POST", "/"));
  x.client.pushData("d");
  x.client.pushEnd();
  x.upstream.pushHead(x.response(200));
  x.upstream.pushData("e");
  x.upstream.pushEnd();
  run();
  EXPECT_EQ(calls(), "b: requestHead; a: requestData d; b: responseEnd; ");
  EXPECT_TRUE(x.complete());
}

TEST_F(HttpChainTest, NothingOvertakesAFilterThatWaitsInAnyHook) {
  for (uint16_t hook = HookMask::kRequestHead; hook < HookMask::kComplete; hook = static_cast<uint16_t>(hook << 1)) {
    probes_ = {{"a"}, {"b"}};
    probes_[1].waitAt(hook);
    auto& x = open();
    x.client.pushHead(x.request("POST", "/p"));
    x.client.pushData("abc");
    x.client.pushData("def");
    x.client.pushEnd();
    run();
    x.upstream.pushHead(x.response(200));
    x.upstream.pushData("uvw");
    x.upstream.pushData("xyz");
    x.upstream.pushEnd();
    run();
    EXPECT_EQ(x.upstream.sent(), "HEAD POST /p; DATA abcdef; END; ") << hook;
    EXPECT_EQ(x.client.sent(), "HEAD 200; DATA uvwxyz; END; ") << hook;
    EXPECT_TRUE(x.complete());
    EXPECT_EQ(calls(),
              "a: requestHead; b: requestHead; a: requestData abc; b: requestData abc; a: requestData def; "
              "b: requestData def; a: requestEnd; b: requestEnd; b: responseHead 200; a: responseHead 200; "
              "b: responseData uvw; a: responseData uvw; b: responseData xyz; a: responseData xyz; b: responseEnd; "
              "a: responseEnd; ");
    exchange_.reset();
    calls();
  }
}

TEST_F(HttpChainTest, AWaitingFilterIsNotRunAgainAndHoldsTheMessage) {
  probes_ = {{"a"}};
  probes_[0].waitAt(HookMask::kRequestHead);
  auto& x = open();
  x.get("/");
  x.settle();
  x.wakeChain();
  x.settle();
  EXPECT_EQ(calls(), "a: requestHead; ");
  EXPECT_FALSE(x.terminal_open);
  EXPECT_EQ(x.client.unreceived(), 1u);
  run();
  EXPECT_EQ(calls(), "a: requestEnd; ");
  EXPECT_TRUE(x.terminal_open);
}

TEST_F(HttpChainTest, BodiesArePulledOnlyWhileTheNextStageHasRoom) {
  auto& x = open();
  x.upstream.setRoom(0);
  x.client.pushHead(x.request("POST", "/"));
  x.client.pushData("abcdef");
  x.client.pushData("ghi");
  x.client.pushEnd();
  x.settle();
  EXPECT_EQ(x.client.unreceived(), 3u);
  x.upstream.setRoom(4);
  x.settle();
  EXPECT_EQ(x.upstream.body(), "abcd");
  EXPECT_EQ(x.client.unreceived(), 2u);
  x.upstream.setRoom(3);
  x.settle();
  EXPECT_EQ(x.upstream.body(), "abcdefg");
  x.upstream.setRoom(100);
  x.settle();
  EXPECT_EQ(x.upstream.sent(), "HEAD POST /; DATA abcdefghi; END; ");

  x.client.setRoom(2);
  x.upstream.pushHead(x.response(200));
  x.upstream.pushData("12345");
  x.upstream.pushEnd();
  x.settle();
  EXPECT_EQ(x.client.body(), "12");
  x.client.setRoom(3);
  x.settle();
  EXPECT_EQ(x.client.body(), "12345");
  EXPECT_FALSE(x.complete());
  x.client.setRoom(1);
  x.settle();
  EXPECT_TRUE(x.complete());
}

TEST_F(HttpChainTest, OneDriveDoesABoundedAmountAndGoesOnLater) {
  auto& x = open();
  x.client.pushHead(x.request("POST", "/"));
  for (int i = 0; i < 500; ++i) x.client.pushData("x");
  x.client.pushEnd();
  EXPECT_EQ(x.chain.drive(), HttpChain::State::kRunning);
  EXPECT_GT(x.upstream.body().size(), 10u);
  EXPECT_LT(x.upstream.body().size(), 100u);
  run();
  EXPECT_EQ(x.upstream.body().size(), 500u);
  EXPECT_TRUE(x.upstream.ended());
}

TEST_F(HttpChainTest, InterimHeadsPassBeforeTheFinalOne) {
  probes_ = {{"a"}};
  probes_[0].hooks = HookMask::kResponseHead | HookMask::kComplete;
  auto& x = open();
  x.get("/");
  x.upstream.pushHead(x.response(103, {{"link", "x"}}));
  x.settle();
  EXPECT_FALSE(x.chain.responseStarted());
  EXPECT_EQ(x.info.status, 0);
  x.answer(200);
  run();
  EXPECT_EQ(x.client.sent(), "HEAD 103 link=x; HEAD 200; END; ");
  EXPECT_EQ(calls(), "a: responseHead 103; a: responseHead 200; ");
  EXPECT_EQ(x.info.status, 200);
}

TEST_F(HttpChainTest, AnUpgradeEndsWhenBothHalvesHave) {
  auto& x = open();
  x.client.pushHead(x.request("GET", "/ws"));
  x.settle();
  x.upstream.pushHead(x.response(101));
  x.upstream.pushData("hello");
  x.upstream.pushEnd();
  x.settle();
  EXPECT_FALSE(x.complete());
  x.client.pushData("bye");
  x.client.pushEnd();
  x.settle();
  EXPECT_TRUE(x.complete());
  EXPECT_EQ(x.upstream.sent(), "HEAD GET /ws; DATA bye; END; ");
  EXPECT_EQ(x.client.sent(), "HEAD 101; DATA hello; END; ");
}

TEST_F(HttpChainTest, AResponseThatEndsBeforeItsRequestEndsTheExchange) {
  auto& x = open();
  x.client.pushHead(x.request("POST", "/"));
  x.client.pushData("abc");
  x.answer(401);
  run();
  EXPECT_TRUE(x.complete());
  EXPECT_FALSE(x.chain.requestComplete());
}

TEST_F(HttpChainTest, RoutesSwitchFiltersOffAndOn) {
  probes_ = {{"a"}, {"b"}, {"c"}};
  off_by_default_ = true;
  route_.disabled = {{0, false}, {2, false}};
  auto& x = open();
  x.get("/");
  x.answer(200);
  run();
  EXPECT_EQ(calls(),
            "a: requestHead; c: requestHead; a: requestEnd; c: requestEnd; c: responseHead 200; a: responseHead 200; "
            "c: responseEnd; a: responseEnd; ");
  exchange_.reset();
  EXPECT_EQ(calls(), "a: complete; c: complete; ");
}

TEST_F(HttpChainTest, ARouteIsChosenAgainBeforeTheNextFilterRuns) {
  probes_ = {{"a"}, {"b"}, {"c"}};
  harness::FakeRoute other;
  other.disabled = {{0, true}, {1, true}};
  auto& x = open();
  probes_[0].on[HookMask::kRequestHead] = [&](harness::ProbeFilter& filter) {
    filter.head->path = "/other";
    x.route = &other;
    filter.host().rerouteRequest();
    return Verdict::next();
  };
  x.get("/");
  x.answer(200);
  run();
  EXPECT_EQ(x.routes_chosen, 2);
  EXPECT_EQ(calls(),
            "a: requestHead; c: requestHead; a: requestEnd; c: requestEnd; c: responseHead 200; a: responseHead 200; "
            "c: responseEnd; a: responseEnd; ");
  EXPECT_EQ(x.upstream.sent(), "HEAD GET /other; END; ");
}

TEST_F(HttpChainTest, FiltersSeeTheConfigurationOfTheirRoute) {
  struct Config final : RouteFilterConfig {};
  probes_ = {{"a"}, {"b"}};
  route_.configs[1].push_back(std::make_unique<Config>());
  route_.configs[1].push_back(std::make_unique<Config>());
  const RouteFilterConfig* least = route_.configs[1][0].get();
  const RouteFilterConfig* most = route_.configs[1][1].get();
  auto& x = open();
  int seen = 0;
  for (harness::Probe& probe : probes_) {
    const bool has = probe.name == "b";
    probe.on[HookMask::kRequestHead] = [&seen, has, least, most](harness::ProbeFilter& filter) {
      const RouteFilterConfig* all[4];
      EXPECT_EQ(filter.host().routeConfig(), has ? most : nullptr);
      EXPECT_EQ(filter.host().routeConfigs(all, 4), has ? 2u : 0u);
      if (has) {
        EXPECT_EQ(all[0], least);
      }
      ++seen;
      return Verdict::next();
    };
  }
  x.get("/");
  run();
  EXPECT_EQ(seen, 2);
}

TEST_F(HttpChainTest, ALateAnswerFromInsideAHookOfTheOtherDirectionCounts) {
  probes_ = {{"a"}};
  auto& x = open();
  probes_[0].on[HookMask::kRequestEnd] = [](harness::ProbeFilter&) { return Verdict::wait(); };
  probes_[0].on[HookMask::kResponseHead] = [](harness::ProbeFilter& filter) {
    filter.host().answer(Direction::kRequest, Verdict::next());
    return filter.later(Direction::kResponse, absl::Milliseconds(1), Verdict::next());
  };
  x.get("/");
  x.settle();
  EXPECT_FALSE(x.upstream.ended());
  x.upstream.pushHead(x.response(200));
  x.settle();
  EXPECT_TRUE(x.upstream.ended());
  x.upstream.pushEnd();
  run();
  EXPECT_TRUE(x.complete());
}

}  // namespace
}  // namespace weir::filter
