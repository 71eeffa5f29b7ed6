// What breaks the straight way: local replies, collected messages, failures, resets, and the ends of waiting filters.
#include "gtest/gtest.h"
#include "test/filter/chain_fixture.h"

namespace weir::filter {
namespace {

using harness::ProbeFilter;
using http::Reason;

class HttpChainReplyTest : public ChainFixture {};

TEST_F(HttpChainReplyTest, OnlyFiltersFurtherOutSeeALocalReply) {
  probes_ = {{"a"}, {"b"}, {"c"}};
  probes_[1].replyAt(HookMask::kRequestHead, "no");
  auto& x = open();
  x.get("/");
  run();
  EXPECT_EQ(calls(), "a: requestHead; b: requestHead; a: responseHead 403; a: responseData no; a: responseEnd; ");
  EXPECT_EQ(x.client.sent(), "HEAD 403 length=2 content-type=text/plain; DATA no; END; ");
  EXPECT_TRUE(x.complete());
  EXPECT_FALSE(x.terminal_open);
  EXPECT_EQ(x.info.reason, Reason::kFilterReply);
  EXPECT_EQ(x.info.status, 403);
  EXPECT_EQ(x.client.unreceived(), 1u);  // the rest of the request is left to the codec
}

TEST_F(HttpChainReplyTest, AReplyToHeadHasALengthAndNoBody) {
  probes_ = {{"a"}};
  probes_[0].replyAt(HookMask::kRequestHead, "no");
  auto& x = open();
  x.client.pushHead(x.request("HEAD", "/"));
  x.client.pushEnd();
  run();
  EXPECT_EQ(x.client.sent(), "HEAD 403 length=2 content-type=text/plain; END; ");
}

TEST_F(HttpChainReplyTest, AReplyAfterTheTerminalWasOpenedDropsIt) {
  probes_ = {{"a"}, {"b"}};
  probes_[1].replyAt(HookMask::kRequestData, "no");
  auto& x = open();
  x.client.pushHead(x.request("POST", "/"));
  x.client.pushData("abc");
  x.client.pushEnd();
  run();
  EXPECT_TRUE(x.terminal_dropped);
  EXPECT_EQ(x.upstream.sent(), "HEAD POST /; ");
  EXPECT_EQ(x.status(), 403);
  EXPECT_TRUE(x.complete());
}

TEST_F(HttpChainReplyTest, AReplyMayComeLate) {
  probes_ = {{"a"}, {"b"}};
  auto& x = open();
  probes_[1].on[HookMask::kRequestHead] = [](ProbeFilter& filter) {
    return filter.later(Direction::kRequest, absl::Milliseconds(5), filter.replyWith("late"));
  };
  x.get("/");
  x.settle();
  EXPECT_EQ(x.status(), 0);
  run();
  EXPECT_EQ(x.client.body(), "late");
}

TEST_F(HttpChainReplyTest, AReplyFromAResponseHookReplacesAResponseThatWasNotStarted) {
  probes_ = {{"a"}, {"b"}, {"c"}};
  probes_[1].replyAt(HookMask::kResponseHead, "instead");
  auto& x = open();
  x.get("/");
  x.answer(200);
  run();
  EXPECT_EQ(calls(),
            "a: requestHead; b: requestHead; c: requestHead; a: requestEnd; b: requestEnd; c: requestEnd; "
            "c: responseHead 200; b: responseHead 200; a: responseHead 403; a: responseData instead; a: responseEnd; ");
  EXPECT_EQ(x.client.body(), "instead");
  EXPECT_TRUE(x.terminal_dropped);
}

TEST_F(HttpChainReplyTest, AReplyAfterTheResponseStartedResets) {
  probes_ = {{"a"}};
  probes_[0].replyAt(HookMask::kResponseData, "too late");
  auto& x = open();
  x.get("/");
  x.upstream.pushHead(x.response(200));
  x.upstream.pushData("abc");
  run();
  EXPECT_TRUE(x.reset());
  EXPECT_EQ(x.client.sent(), "HEAD 200; ");
  EXPECT_EQ(x.info.reason, Reason::kFilterReply);
}

TEST_F(HttpChainReplyTest, AFilterFurtherOutMayReplaceAReplyAgain) {
  probes_ = {{"a"}, {"b"}};
  probes_[0].replyAt(HookMask::kResponseHead, "second");
  probes_[1].replyAt(HookMask::kRequestHead, "first");
  auto& x = open();
  x.get("/");
  run();
  EXPECT_EQ(x.client.body(), "second");
  EXPECT_TRUE(x.complete());
}

TEST_F(HttpChainReplyTest, ACollectedRequestComesWholeAndGoesOnInParts) {
  probes_ = {{"a"}, {"b"}, {"c"}};
  probes_[1].collectAt(HookMask::kRequestHead, 6);
  auto& x = open();
  x.client.pushHead(x.request("POST", "/"));
  x.client.pushData("abc");
  x.settle();
  EXPECT_FALSE(x.terminal_open);
  x.client.pushData("def");
  x.client.pushEnd(x.trailers({{"t", "1"}}));
  run();
  EXPECT_EQ(calls(),
            "a: requestHead; b: requestHead; a: requestData abc; a: requestData def; a: requestEnd; b: request abcdef; "
            "c: requestHead; c: requestData abcdef; c: requestEnd; ");
  EXPECT_EQ(x.upstream.sent(), "HEAD POST /; DATA abcdef; END t=1; ");
}

TEST_F(HttpChainReplyTest, TwoFiltersCollectOneAfterTheOtherAndMayWait) {
  probes_ = {{"a"}, {"b"}};
  probes_[0].collectAt(HookMask::kRequestHead, 100);
  probes_[0].waitAt(HookMask::kRequestWhole);
  probes_[1].waitAt(HookMask::kRequestHead, Verdict::collect(100));
  probes_[1].waitAt(HookMask::kRequestWhole);
  auto& x = open();
  x.client.pushHead(x.request("POST", "/"));
  x.client.pushData("abc");
  x.client.pushEnd();
  run();
  EXPECT_EQ(calls(), "a: requestHead; a: request abc; b: requestHead; b: request abc; ");
  EXPECT_EQ(x.upstream.sent(), "HEAD POST /; DATA abc; END; ");
}

TEST_F(HttpChainReplyTest, ABodyAboveTheLimitOfACollectIs413) {
  for (const bool declared : {false, true}) {
    probes_ = {{"a"}, {"b"}};
    probes_[1].collectAt(HookMask::kRequestHead, 5);
    auto& x = open();
    http::Head& head = x.request("POST", "/");
    if (declared) head.content_length = 6;
    x.client.pushHead(head);
    if (!declared) {
      x.client.pushData("abcde");
      x.settle();
      EXPECT_EQ(x.status(), 0);
      x.client.pushData("f");
    }
    run();
    EXPECT_EQ(x.status(), 413);
    EXPECT_EQ(x.info.reason, Reason::kBodyTooLarge);
    EXPECT_TRUE(x.complete());
    exchange_.reset();
  }
}

TEST_F(HttpChainReplyTest, ACollectingFilterMakesAWaitingClientSend) {
  probes_ = {{"a"}};
  probes_[0].collectAt(HookMask::kRequestHead, 5);
  auto& x = open();
  http::Head& head = x.request("POST", "/");
  head.expects_continue = true;
  x.client.pushHead(head);
  x.settle();
  EXPECT_EQ(x.client.sent(), "HEAD 100; ");
  x.client.pushData("abc");
  x.client.pushEnd();
  x.answer(200);
  run();
  EXPECT_EQ(x.client.sent(), "HEAD 100; HEAD 200; END; ");
  EXPECT_FALSE(x.upstream.head()->expects_continue);
}

TEST_F(HttpChainReplyTest, ACollectedResponseComesWholeOrIs500) {
  for (const bool fits : {true, false}) {
    probes_ = {{"a"}, {"b"}};
    probes_[1].collectAt(HookMask::kResponseHead, fits ? 6 : 5);
    auto& x = open();
    x.get("/");
    x.upstream.pushHead(x.response(103));
    x.upstream.pushHead(x.response(200));
    x.upstream.pushData("abc");
    x.upstream.pushData("def");
    x.upstream.pushEnd();
    run();
    if (fits) {
      EXPECT_EQ(x.client.sent(), "HEAD 103; HEAD 200; DATA abcdef; END; ");
    } else {
      EXPECT_EQ(x.status(), 500);
      EXPECT_EQ(x.info.reason, Reason::kResponseTooLarge);
      EXPECT_TRUE(x.terminal_dropped);
    }
    EXPECT_TRUE(x.complete());
    exchange_.reset();
  }
}

TEST_F(HttpChainReplyTest, AFilterThatHoldsACollectedHeadIsNotShownTheReplyToItsBody) {
  probes_ = {{"a"}, {"b"}, {"c"}};
  probes_[1].collectAt(HookMask::kResponseHead, 100);
  probes_[2].replyAt(HookMask::kResponseData, "refused");
  auto& x = open();
  x.get("/");
  x.settle();
  calls();
  x.upstream.pushHead(x.response(200));
  x.upstream.pushData("abc");
  run();
  EXPECT_EQ(calls(),
            "c: responseHead 200; b: responseHead 200; c: responseData abc; a: responseHead 403; "
            "a: responseData refused; a: responseEnd; ");
  EXPECT_TRUE(x.complete());
}

TEST_F(HttpChainReplyTest, AFailedUpstreamIsAnsweredBeforeTheHeadAndResetsAfterIt) {
  probes_ = {{"a"}};
  auto& x = open();
  x.get("/");
  x.upstream.pushFailed(Reason::kConnectFailure);
  run();
  EXPECT_EQ(x.status(), 503);
  EXPECT_EQ(x.info.reason, Reason::kConnectFailure);
  EXPECT_TRUE(x.complete());
  EXPECT_NE(calls().find("a: responseHead 503"), std::string::npos);

  auto& y = open();
  y.get("/");
  y.upstream.pushHead(y.response(200));
  y.upstream.pushFailed(Reason::kUpstreamTruncated);
  run();
  EXPECT_TRUE(y.reset());
  EXPECT_EQ(y.info.reason, Reason::kUpstreamTruncated);
}

TEST_F(HttpChainReplyTest, AClientThatLeavesEndsTheExchangeAtOnce) {
  probes_ = {{"a"}};
  probes_[0].waitAt(HookMask::kResponseHead);
  auto& x = open();
  x.get("/");
  x.upstream.pushHead(x.response(200));
  x.settle();
  x.client.setLost(Reason::kClientGone);
  x.settle();
  EXPECT_TRUE(x.reset());
  EXPECT_TRUE(x.terminal_dropped);
  EXPECT_EQ(x.info.reason, Reason::kClientGone);
  run();  // the late answer reaches nobody

  auto& y = open();
  y.client.pushHead(y.request("POST", "/"));
  y.client.pushFailed(Reason::kClientGone);
  run();
  EXPECT_TRUE(y.reset());
  EXPECT_EQ(y.info.reason, Reason::kClientGone);
}

TEST_F(HttpChainReplyTest, ABadRequestBodyIsRefusedUnlessTheResponseHasBegun) {
  probes_ = {{"a"}};
  auto& x = open();
  x.client.pushHead(x.request("POST", "/"));
  x.client.pushFailed(Reason::kBadChunk);
  run();
  EXPECT_EQ(x.status(), 400);
  EXPECT_TRUE(x.terminal_dropped);
  EXPECT_TRUE(x.complete());
  EXPECT_EQ(x.info.reason, Reason::kBadChunk);

  auto& y = open();
  y.client.pushHead(y.request("POST", "/"));
  y.upstream.pushHead(y.response(200));
  y.settle();
  y.client.pushFailed(Reason::kBadChunk);
  run();
  EXPECT_TRUE(y.reset());
  EXPECT_EQ(y.info.reason, Reason::kBadChunk);
}

TEST_F(HttpChainReplyTest, ATimeoutAnswersThroughTheFiltersOutwardOfTheOneThatWaits) {
  probes_ = {{"a"}, {"b"}, {"c"}};
  probes_[1].waitAt(HookMask::kRequestHead);
  auto& x = open();
  x.get("/");
  x.settle();
  x.replyOrReset(Reason::kStreamIdleTimeout);
  x.settle();
  EXPECT_EQ(calls(),
            "a: requestHead; b: requestHead; a: responseHead 408; "
            "a: responseData No part of the exchange moved within the idle timeout.; a: responseEnd; ");
  EXPECT_TRUE(x.complete());
  run();
}

TEST_F(HttpChainReplyTest, ATimeoutWhileTheUpstreamIsSilentGoesThroughAllFilters) {
  probes_ = {{"a"}, {"b"}};
  auto& x = open();
  x.get("/");
  x.settle();
  calls();
  x.chain.replyOrReset(Reason::kRouteTimeout, "slow");
  x.wakeChain();
  x.settle();
  EXPECT_EQ(calls(),
            "b: responseHead 504; a: responseHead 504; b: responseData slow; a: responseData slow; b: responseEnd; "
            "a: responseEnd; ");
  EXPECT_TRUE(x.terminal_dropped);
}

TEST_F(HttpChainReplyTest, FiltersThatSawAResponseHeadAreNotShownAnother) {
  probes_ = {{"a"}, {"b"}, {"c"}};
  probes_[1].waitAt(HookMask::kResponseHead);
  auto& x = open();
  x.get("/");
  x.upstream.pushHead(x.response(200));
  x.settle();
  calls();
  x.replyOrReset(Reason::kRouteTimeout);
  x.settle();
  EXPECT_EQ(calls().substr(0, 21), "a: responseHead 504; ");
  EXPECT_TRUE(x.complete());
  run();
}

TEST_F(HttpChainReplyTest, ATimeoutAfterTheHeadResets) {
  auto& x = open();
  x.get("/");
  x.upstream.pushHead(x.response(200));
  x.settle();
  x.replyOrReset(Reason::kMaxStreamDuration);
  x.settle();
  EXPECT_TRUE(x.reset());
  EXPECT_TRUE(x.terminal_dropped);
}

using HttpChainDeathTest = HttpChainReplyTest;

TEST_F(HttpChainDeathTest, AnAnswerThatNobodyWaitsForIsABug) {
  probes_ = {{"a"}};
  probes_[0].on[HookMask::kRequestHead] = [](ProbeFilter& filter) {
    filter.host().answer(Direction::kRequest, Verdict::next());
    return Verdict::next();
  };
  auto& x = open();
  x.get("/");
  EXPECT_DEATH(x.settle(), "not waiting");
}

}  // namespace
}  // namespace weir::filter
