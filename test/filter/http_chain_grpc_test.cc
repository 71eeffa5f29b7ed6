// Local replies to gRPC requests, and bytes that a filter sends at the end of a message, which gRPC-Web lives on.
#include "gtest/gtest.h"
#include "test/filter/chain_fixture.h"

namespace weir::filter {
namespace {

using harness::ProbeFilter;
using http::Reason;

// Answers `verdict` at the end of a response, after it has put "tail" before the end and taken the trailers.
class TailFilter final : public HttpFilter {
 public:
  explicit TailFilter(Verdict verdict) : verdict_(verdict) {}
  Verdict onResponseEnd(End& end) override {
    end.tail.append("tail");
    end.trailers = nullptr;
    return verdict_;
  }
  void answer() { host().answer(Direction::kResponse, Verdict::next()); }

 private:
  Verdict verdict_;
};

class TailFactory final : public HttpFilterFactory {
 public:
  explicit TailFactory(Verdict verdict) : verdict_(verdict) {}
  HttpFilter* create(base::Arena& arena, const net::WorkerContext&) const override {
    return made = arena.make<TailFilter>(verdict_);
  }
  HookMask hooks() const override { return hooksOf<TailFilter>(); }
  mutable TailFilter* made = nullptr;

 private:
  Verdict verdict_;
};

class HttpChainGrpcTest : public ChainFixture {
 protected:
  // The exchange calls the probes to its end.
  ~HttpChainGrpcTest() override { exchange_.reset(); }

  harness::FilterExchange& openGrpc() {
    auto& x = open();
    x.client.pushHead(x.request("POST", "/s/m", {{"content-type", "application/grpc"}}));
    return x;
  }
  // A probe on each side of the filter that has a tail.
  harness::FilterExchange& openTail(Verdict verdict) {
    exchange_.reset();
    std::vector<HttpChainConfig::Slot> slots;
    for (harness::Probe* const probe : {&outer_, &inner_}) probe->log = &log_;
    slots.push_back({"outer", std::make_unique<harness::ProbeFactory>(outer_), false});
    auto factory = std::make_unique<TailFactory>(verdict);
    tail_ = factory.get();
    slots.push_back({"tail", std::move(factory), false});
    slots.push_back({"inner", std::make_unique<harness::ProbeFactory>(inner_), false});
    config_ = std::make_unique<HttpChainConfig>(std::move(slots));
    exchange_ = std::make_unique<harness::FilterExchange>(world_, *config_, &route_);
    exchange_->get("/");
    exchange_->settle();
    log_.clear();
    exchange_->upstream.pushHead(exchange_->response(200));
    exchange_->upstream.pushData("body");
    exchange_->upstream.pushEnd(exchange_->trailers({{"t", "1"}}));
    exchange_->settle();
    return *exchange_;
  }

  harness::Probe outer_{"outer"};
  harness::Probe inner_{"inner"};
  TailFactory* tail_ = nullptr;
};

TEST_F(HttpChainGrpcTest, AReplyOfAFilterIsAHeadAlone) {
  probes_ = {{"a"}, {"b"}};
  probes_[1].replyAt(HookMask::kRequestHead, "not\nyou");
  auto& x = openGrpc();
  run();
  EXPECT_EQ(x.client.sent(), "HEAD 200 grpc-status=7 grpc-message=not%0Ayou content-type=application/grpc; END; ");
  EXPECT_EQ(calls(), "a: requestHead; b: requestHead; a: responseHead 200; a: responseEnd; ");
  EXPECT_TRUE(x.complete());
  EXPECT_EQ(x.info.status, 200);
  EXPECT_EQ(x.info.reason, Reason::kFilterReply);
}

TEST_F(HttpChainGrpcTest, FailuresHaveTheStatusThatTheyMean) {
  struct Case {
    Reason reason;
    const char* status;
  };
  for (const Case& c : {Case{Reason::kConnectFailure, "14"}, Case{Reason::kUpstreamReset, "14"},
                        Case{Reason::kNoRoute, "12"}, Case{Reason::kBadRequest, "13"}}) {
    auto& x = openGrpc();
    x.settle();
    x.upstream.pushFailed(c.reason);
    x.settle();
    EXPECT_EQ(x.status(), 200);
    EXPECT_EQ(x.client.head()->value("grpc-status"), c.status);
    EXPECT_EQ(x.client.body(), "");
  }
}

TEST_F(HttpChainGrpcTest, OurOwnTimeoutsAreDeadlineExceeded) {
  for (const Reason reason : {Reason::kRouteTimeout, Reason::kMaxStreamDuration, Reason::kStreamIdleTimeout}) {
    auto& x = openGrpc();
    x.settle();
    x.replyOrReset(reason);
    x.settle();
    EXPECT_EQ(x.client.head()->value("grpc-status"), "4");
    EXPECT_TRUE(x.client.ended());
  }
}

TEST_F(HttpChainGrpcTest, ATailGoesThroughTheFiltersFurtherOut) {
  auto& x = openTail(Verdict::next());
  EXPECT_EQ(x.client.sent(), "HEAD 200; DATA bodytail; END; ");
  EXPECT_EQ(calls(),
            "inner: responseHead 200; outer: responseHead 200; inner: responseData body; outer: responseData body; "
            "inner: responseEnd; outer: responseData tail; outer: responseEnd; ");
  EXPECT_TRUE(x.complete());
}

TEST_F(HttpChainGrpcTest, ATailWaitsWithItsFilterAndForRoom) {
  outer_.waitEverywhere();
  auto& x = openTail(Verdict::wait());
  run();
  EXPECT_EQ(x.client.sent(), "HEAD 200; DATA body");
  x.client.setRoom(2);
  tail_->made->answer();
  run();
  EXPECT_EQ(x.client.sent(), "HEAD 200; DATA bodyta");
  x.client.setRoom(2);
  run();
  EXPECT_EQ(x.client.sent(), "HEAD 200; DATA bodytail; END; ");
}

TEST_F(HttpChainGrpcTest, ATailIsPartOfWhatAFilterFurtherOutCollects) {
  outer_.collectAt(HookMask::kResponseHead, 8);
  EXPECT_EQ(openTail(Verdict::next()).client.sent(), "HEAD 200; DATA bodytail; END; ");
  outer_.collectAt(HookMask::kResponseHead, 7);
  EXPECT_EQ(openTail(Verdict::next()).status(), 500);
}

TEST_F(HttpChainGrpcTest, ATailIsForgottenWithItsMessage) {
  auto& x = openTail(Verdict::wait());
  x.replyOrReset(Reason::kStreamIdleTimeout);
  run();
  EXPECT_TRUE(x.reset());
  EXPECT_EQ(x.client.sent(), "HEAD 200; DATA body");
}

}  // namespace
}  // namespace weir::filter
