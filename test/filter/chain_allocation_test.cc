// A chain allocates nothing by itself: all it needs comes from the arena of the exchange and from pools.

#include "gtest/gtest.h"
#include "source/filter/http_chain.h"
#include "test/harness/allocations/allocations.h"
#include "test/harness/filter/filter_world.h"

namespace weir::filter {
namespace {

// Gives a head, a piece of data and an end, and drops what is sent.
class QuietStream final : public http::Stream {
 public:
  QuietStream(buffer::BlockPool& pool, http::Head& head) : pool_(pool), head_(head) {}
  void setOwner(http::StreamOwner&, base::Arena&) override {}
  std::optional<http::Part> receive() override {
    switch (given_++) {
      case 0:
        return http::Part::makeHead(head_, pool_);
      case 1: {
        buffer::Buffer data(pool_);
        data.append("some bytes of a body");
        return http::Part::makeData(std::move(data));
      }
      case 2:
        return http::Part::makeEnd(nullptr, pool_);
      default:
        return std::nullopt;
    }
  }
  size_t room() const override { return 16 * 1024; }
  void send(http::Part) override {}
  void reset(http::Reason) override {}

 private:
  void release() override {}
  buffer::BlockPool& pool_;
  http::Head& head_;
  int given_ = 0;
};

class QuietOwner final : public ChainOwner {
 public:
  QuietOwner(http::Stream& terminal, SideCaller& side_calls) : terminal_(terminal), side_calls_(side_calls) {}
  void chooseRoute(http::Head&) override {}
  http::Stream& openTerminal(http::Head&) override { return terminal_; }
  void dropTerminal(http::Reason) override {}
  SideCaller& sideCaller() override { return side_calls_; }
  void onResponseHead(http::Head&) override {}
  void wakeChain() override {}

 private:
  http::Stream& terminal_;
  SideCaller& side_calls_;
};

// Looks at everything and collects the request.
class LookingFilter final : public HttpFilter {
 public:
  Verdict onRequestHead(http::Head&) override { return Verdict::collect(1024); }
  Verdict onRequest(Message&) override { return Verdict::next(); }
  Verdict onResponseHead(http::Head&) override { return Verdict::next(); }
  Verdict onResponseData(buffer::Buffer&) override { return Verdict::next(); }
  Verdict onResponseEnd(End&) override { return Verdict::next(); }
  void onComplete(const StreamInfo&) override {}
};

class LookingFactory final : public HttpFilterFactory {
 public:
  HttpFilter* create(base::Arena& arena, const net::WorkerContext&) const override {
    return arena.make<LookingFilter>();
  }
  HookMask hooks() const override { return hooksOf<LookingFilter>(); }
};

TEST(ChainAllocationTest, AnExchangeThroughFiltersAllocatesNothing) {
  harness::FilterWorld world;
  std::vector<HttpChainConfig::Slot> slots;
  for (int i = 0; i < 3; ++i) slots.push_back({"looking", std::make_unique<LookingFactory>(), false});
  const HttpChainConfig config(std::move(slots));
  size_t in_last = 1;
  for (int round = 0; round < 5; ++round) {
    const size_t before = harness::allocations();
    base::Arena arena(world.chunks);
    http::Head request(arena);
    request.method = "POST";
    http::Head response(arena);
    response.status = 200;
    QuietStream downstream(world.blocks, request);
    QuietStream terminal(world.blocks, response);
    QuietOwner owner(terminal, world.side_calls);
    StreamInfo info;
    HttpChain chain(config, world.worker, arena, info, downstream, owner);
    EXPECT_EQ(chain.drive(), HttpChain::State::kComplete);
    chain.complete();
    in_last = harness::allocations() - before;
  }
  EXPECT_EQ(in_last, 0u);
  EXPECT_GT(harness::allocations(), 0u);
}

}  // namespace
}  // namespace weir::filter
