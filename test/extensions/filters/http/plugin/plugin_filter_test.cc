// What a plugin may do, and what it must not, through the chain.
#include <string>

#include "gtest/gtest.h"
#include "test/extensions/plugins/plugin_world.h"
#include "test/harness/filter/filter_contract.h"

namespace weir::extensions::plugins {
namespace {

constexpr char kProbe[] = "name: 'probe'";

TEST(PluginFilterTest, LetsARequestPass) {
  PluginWorld w(kProbe);
  const auto x = w.get("");
  EXPECT_EQ(x->status(), 200);
  EXPECT_EQ(w.counter("plugin.probe.hits"), 1u);
  EXPECT_EQ(w.counter("plugin.probe.failures"), 0u);
}

TEST(PluginFilterTest, AnswersByItself) {
  PluginWorld w(kProbe);
  const auto x = w.get("reply");
  EXPECT_EQ(x->client.sent(), "HEAD 403 length=2 x-why=because content-type=text/plain; DATA no; END; ");
  EXPECT_EQ(x->info.reason, http::Reason::kFilterReply);
  EXPECT_FALSE(x->terminal_open);
}

TEST(PluginFilterTest, AnExceptionInAnyHookOfTheRequestIs500) {
  for (const std::string hook : {"request_head", "request_data", "request_end", "request_whole"}) {
    PluginWorld w(kProbe);
    auto x = w.harness.open();
    x->client.pushHead(x->request("POST", "/", {{"x-do", hook + ":throw"}}));
    x->client.pushData("body");
    x->client.pushEnd();
    x->settle();
    EXPECT_EQ(x->status(), 500) << hook;
    EXPECT_EQ(x->info.reason, http::Reason::kPluginFailed) << hook;
    EXPECT_EQ(w.counter("plugin.probe.failures"), 1u) << hook;
  }
}

TEST(PluginFilterTest, AnExceptionInAHookOfTheResponseIs500OrAReset) {
  for (const std::string hook : {"response_head", "response_data", "response_end"}) {
    PluginWorld w(kProbe);
    auto x = w.harness.open();
    x->get("/", {{"x-do", std::string_view(hook == "response_head"   ? "response_head:throw_int"
                                           : hook == "response_data" ? "response_data:throw"
                                                                     : "response_end:throw")}});
    x->settle();
    x->upstream.pushHead(x->response(200));
    x->upstream.pushData("data");
    x->upstream.pushEnd();
    x->settle();
    EXPECT_EQ(x->info.reason, http::Reason::kPluginFailed) << hook;
    EXPECT_TRUE(x->reset() || x->status() == 500) << hook;
    EXPECT_EQ(w.counter("plugin.probe.failures"), 1u) << hook;
  }
}

TEST(PluginFilterTest, AnExceptionInTheLastHookIsOnlyCounted) {
  PluginWorld w(kProbe);
  auto x = w.get("complete:throw");
  EXPECT_EQ(x->status(), 200);
  x.reset();
  EXPECT_EQ(w.counter("plugin.probe.failures"), 1u);
}

TEST(PluginFilterTest, AConstructorThatThrowsIs500) {
  PluginWorld w(
      "name: 'probe' configuration { fields { key: 'mode' value { string_value: 'throw_in_constructor' } } }");
  const auto x = w.get("");
  EXPECT_EQ(x->status(), 500);
  EXPECT_EQ(x->info.reason, http::Reason::kPluginFailed);
}

TEST(PluginFilterTest, NonsenseIsAFailure) {
  for (const char* what : {"nonsense", "replied_without", "request_end:buffer"}) {
    PluginWorld w(kProbe);
    EXPECT_EQ(w.get(what)->status(), 500) << what;
    EXPECT_EQ(w.counter("plugin.probe.invalid_calls"), 1u) << what;
  }
}

TEST(PluginFilterTest, TheSecondAnswerIsRefusedAndCounted) {
  PluginWorld w(kProbe);
  const auto x = w.get("reply_twice");
  EXPECT_EQ(x->status(), 403);
  EXPECT_EQ(x->client.body(), "first");
  EXPECT_EQ(w.counter("plugin.probe.invalid_calls"), 1u);
}

TEST(PluginFilterTest, ATimerEndsAPause) {
  PluginWorld w(kProbe);
  auto x = w.harness.open();
  x->get("/", {{"x-do", "timer"}});
  w.harness.world.simulation.runFor(absl::Milliseconds(15));
  EXPECT_FALSE(x->terminal_open);
  w.harness.world.simulation.runFor(absl::Milliseconds(10));
  EXPECT_TRUE(x->terminal_open);
  EXPECT_EQ(w.get("timer:reply")->status(), 418);
  const auto failed = w.get("timer:throw");
  EXPECT_EQ(failed->status(), 500);
  EXPECT_EQ(failed->info.reason, http::Reason::kPluginFailed);
}

TEST(PluginFilterTest, ATimerOfAStreamThatIsGoneDoesNothing) {
  PluginWorld w(kProbe);
  auto x = w.harness.open();
  x->get("/", {{"x-do", "timer:throw"}});
  x->settle();
  x.reset();
  w.harness.world.simulation.runFor(absl::Seconds(1));
  EXPECT_EQ(w.counter("plugin.probe.failures"), 0u);
}

TEST(PluginFilterTest, ATokenMayBeUsedFromAnotherThread) {
  PluginWorld w(kProbe);
  EXPECT_EQ(w.get("thread")->status(), 200);
  EXPECT_EQ(w.get("thread_reply")->status(), 429);
  EXPECT_EQ(PluginWorld::got(*w.get("thread_post")), "posted thread_post");
  EXPECT_EQ(w.counter("plugin.stale_calls"), 0u);
  EXPECT_EQ(w.get("thread_twice")->status(), 200);
  EXPECT_EQ(w.counter("plugin.stale_calls"), 1u);
}

TEST(PluginFilterTest, ATokenThatIsAnsweredAfterItsStreamIsGoneDoesNothing) {
  PluginWorld w(kProbe);
  w.get("stash");
  const auto x = w.get("stale");
  EXPECT_EQ(x->status(), 200);
  EXPECT_EQ(PluginWorld::got(*x), "stale stale stale stale stale stale");
  EXPECT_EQ(w.counter("plugin.stale_calls"), 7u);
}

TEST(PluginFilterTest, ATokenEndsOnlyThePauseThatItWasMadeFor) {
  PluginWorld w(kProbe);
  auto kept = w.harness.open();
  kept->client.pushHead(kept->request("POST", "/", {{"x-do", "stash"}}));  // goes on without a pause
  kept->settle();
  EXPECT_EQ(PluginWorld::got(*w.get("stale")).substr(0, 8), "resumed ");
  w.harness.world.simulation.runUntilIdle(absl::ZeroDuration());
  kept->client.pushEnd();
  kept->settle();
  EXPECT_TRUE(kept->upstream.ended());
  EXPECT_EQ(w.counter("plugin.probe.failures"), 0u);
}

TEST(PluginFilterTest, WhatIsNotAllowedIsRefusedAndCounted) {
  PluginWorld w(kProbe);
  const auto x = w.get("fields");
  EXPECT_EQ(PluginWorld::got(*x),
            "ok invalid invalid invalid invalid invalid ok invalid invalid invalid too_small invalid invalid "
            "too_late invalid invalid invalid invalid");
  EXPECT_EQ(x->upstream.head()->path, "/new");
  EXPECT_EQ(x->upstream.head()->headers.get("good"), "1");
  EXPECT_EQ(w.counter("plugin.probe.invalid_calls"), 14u);
}

TEST(PluginFilterTest, AskingForMoreThanTheBodyHasIsRefused) {
  PluginWorld w(kProbe);
  auto x = w.harness.open();
  x->client.pushHead(x->request("POST", "/", {{"x-do", "request_data:bodies"}}));
  x->client.pushData("abcdef");
  x->client.pushEnd();
  x->settle();
  EXPECT_EQ(x->upstream.body(), "too_small invalid invalid invalid invalid too_late invalid");
}

TEST(PluginFilterTest, ViewsLiveUntilTheHookReturns) {
  PluginWorld w(kProbe);
  EXPECT_EQ(PluginWorld::got(*w.get("views")), "first /path?query 699");
}

TEST(PluginFilterTest, ABodyMayBeSeenWholeAndChanged) {
  PluginWorld w(kProbe);
  auto x = w.harness.open();
  x->client.pushHead(x->request("POST", "/", {{"x-do", "whole:edit"}}));
  x->client.pushData("abc");
  x->client.pushData("def");
  x->client.pushEnd();
  x->settle();
  EXPECT_EQ(x->upstream.body(), "[abcdef]");
  EXPECT_EQ(x->upstream.head()->content_length, 8u);
}

TEST(PluginFilterTest, SlicesStayWhatTheyWereWhileTheBodyIsEdited) {
  PluginWorld w(kProbe);
  auto x = w.harness.open();
  x->client.pushHead(x->request("POST", "/", {{"x-do", "whole:views"}}));
  x->client.pushData("abcdef");
  x->client.pushEnd();
  x->settle();
  EXPECT_EQ(PluginWorld::got(*x), "abcdef");
  EXPECT_EQ(x->upstream.body(), "cdefmore");
}

TEST(PluginFilterTest, ABodyMayHaveAnyNumberOfSlices) {
  PluginWorld w("name: 'probe' max_body_bytes { value: 1000000 }");
  auto x = w.harness.open();
  x->client.pushHead(x->request("POST", "/", {{"x-do", "whole:edit"}}));
  for (int i = 0; i < 300; ++i) x->client.pushData("<" + std::string(3000, 'a' + i % 26) + ">");
  x->client.pushEnd();
  x->settle();
  const std::string body(x->upstream.body());
  ASSERT_EQ(body.size(), 300u * 3002 + 2);
  EXPECT_EQ(body.substr(0, 4), "[<aa");
  EXPECT_EQ(body.substr(1 + 299 * 3002, 4), "<nnn");
}

TEST(PluginFilterTest, ItsOwnAnswerDoesNotPassItsResponseHooks) {
  PluginWorld w("name: 'probe'");
  const auto x = w.get("reply_seen");
  EXPECT_EQ(x->status(), 403);
  EXPECT_FALSE(x->client.head()->headers.get("x-seen"));
  EXPECT_EQ(w.get("seen")->client.head()->headers.get("x-seen"), "1");
}

TEST(PluginFilterTest, ABodyAboveTheLimitIs413) {
  PluginWorld w("name: 'probe' max_body_bytes { value: 4 }");
  auto x = w.harness.open();
  x->client.pushHead(x->request("POST", "/", {{"x-do", "whole"}}));
  x->client.pushData("12345");
  x->settle();
  EXPECT_EQ(x->status(), 413);
  EXPECT_EQ(x->info.reason, http::Reason::kBodyTooLarge);
}

TEST(PluginFilterTest, TheLimitIsThatOfTheRoute) {
  PluginWorld w("name: 'probe' max_body_bytes { value: 4 }");
  w.harness.addRoute(
      "max_body_bytes { value: 100 } configuration { fields { key: 'tag' value { string_value: 't' } } }");
  auto x = w.harness.open();
  x->client.pushHead(x->request("POST", "/", {{"x-do", "whole"}}));
  x->client.pushData("12345");
  x->client.pushEnd();
  x->settle();
  EXPECT_EQ(x->upstream.body(), "12345");
}

TEST(PluginFilterTest, TheMostSpecificRouteConfigurationIsTheOne) {
  PluginWorld w(kProbe);
  EXPECT_EQ(PluginWorld::got(*w.get("route")), "none");
  w.harness.addRoute("configuration { fields { key: 'tag' value { string_value: 'outer' } } }");
  w.harness.addRoute("configuration { fields { key: 'tag' value { string_value: 'inner' } } }");
  EXPECT_EQ(PluginWorld::got(*w.get("route")), "inner");
}

TEST(PluginFilterTest, MetricsAreCountedUnderThePluginsName) {
  PluginWorld w(kProbe);
  EXPECT_EQ(PluginWorld::got(*w.get("metrics")), "invalid invalid");
  EXPECT_EQ(w.counter("plugin.probe.hits"), 5u);
  EXPECT_EQ(w.harness.world.stats.gaugeValue("plugin.probe.level"), 3);
}

TEST(PluginFilterTest, AttributesTellAboutTheExchange) {
  PluginWorld w(kProbe);
  const std::string got = PluginWorld::got(*w.get("attributes"));
  EXPECT_EQ(got.substr(0, 4), "GET|") << got;
  EXPECT_NE(got.find("|/path?query|"), std::string::npos) << got;
  EXPECT_NE(got.find("|route|vhost|cluster|"), std::string::npos) << got;
  EXPECT_NE(got.find("|0 random"), std::string::npos) << got;
}

TEST(PluginFilterTest, ARequestWaitsForACallOfItsFilter) {
  PluginWorld w(kProbe);
  auto x = w.harness.open();
  x->get("/", {{"x-do", "call"}});
  x->settle();
  harness::FakeSideCaller& calls = w.harness.world.side_calls;
  ASSERT_EQ(calls.calls().size(), 1u);
  EXPECT_EQ(calls.calls()[0].cluster, "side");
  EXPECT_EQ(calls.calls()[0].body, "ask");
  EXPECT_EQ(calls.calls()[0].timeout, absl::Seconds(2));
  EXPECT_FALSE(x->terminal_open);
  calls.answer(0, 201, {{"x-side", "yes"}}, "told");
  x->settle();
  EXPECT_EQ(PluginWorld::got(*x), "201 told yes");
}

TEST(PluginFilterTest, ACallThatFailsSaysHow) {
  const std::pair<http::Reason, const char*> cases[] = {{http::Reason::kNoCluster, "0  -"},
                                                        {http::Reason::kRouteTimeout, "1  -"},
                                                        {http::Reason::kResponseTooLarge, "2  -"}};
  for (const auto& [reason, got] : cases) {
    PluginWorld w(kProbe);
    auto x = w.harness.open();
    x->get("/", {{"x-do", "call"}});
    x->settle();
    w.harness.world.side_calls.fail(0, reason);
    x->settle();
    EXPECT_EQ(PluginWorld::got(*x), got);
  }
}

TEST(PluginFilterTest, ACallEndsWithItsStream) {
  PluginWorld w(kProbe);
  auto x = w.harness.open();
  x->get("/", {{"x-do", "call:throw"}});
  x->settle();
  x.reset();
  EXPECT_TRUE(w.harness.world.side_calls.calls()[0].cancelled);
  EXPECT_EQ(w.counter("plugin.probe.failures"), 0u);
}

TEST(PluginFilterTest, FailuresBeginAQuarantineThatEnds) {
  PluginWorld w("name: 'probe' quarantine { max_failures { value: 3 } window { seconds: 5 } hold { seconds: 20 } }");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(w.get("throw")->status(), 500);
  const auto x = w.get("");
  EXPECT_EQ(x->status(), 503);
  EXPECT_EQ(x->info.reason, http::Reason::kPluginQuarantined);
  EXPECT_EQ(w.counter("plugin.probe.quarantined"), 1u);
  w.harness.world.simulation.runFor(absl::Seconds(21));
  EXPECT_EQ(w.get("")->status(), 200);
}

TEST(PluginFilterTest, AnOpenQuarantineLetsRequestsPass) {
  PluginWorld w("name: 'probe' quarantine { max_failures { value: 1 } policy: OPEN }");
  EXPECT_EQ(w.get("throw")->status(), 500);
  const auto x = w.get("throw");
  EXPECT_EQ(x->status(), 200);
  EXPECT_EQ(w.counter("plugin.probe.hits"), 1u);
}

TEST(PluginFilterTest, FailuresThatAreFarApartBeginNone) {
  PluginWorld w("name: 'probe' quarantine { max_failures { value: 2 } window { seconds: 5 } }");
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(w.get("throw")->status(), 500);
    w.harness.world.simulation.runFor(absl::Seconds(6));
  }
  EXPECT_EQ(w.get("")->status(), 200);
}

TEST(PluginFilterTest, KeepsTheContractOfFiltersInEveryHook) {
  for (const char* what :
       {"", "timer", "thread", "whole", "request_data:reply", "request_end:reply", "request_whole:reply",
        "response_head:reply", "response_head:throw", "request_end:throw", "timer:throw", "stash"}) {
    std::vector<std::unique_ptr<Catalogue>> catalogues;  // one for each world, which they outlive
    harness::FilterContract contract;
    contract.make = [&catalogues](harness::FilterWorld& world) {
      catalogues.push_back(std::make_unique<Catalogue>(testSetup()));
      return world.makeFilter(plugin_filter::pluginType(*catalogues.back()), kProbe);
    };
    contract.request_fields = {{"x-do", what}};
    harness::runFilterContract(contract);
  }
}

}  // namespace
}  // namespace weir::extensions::plugins
