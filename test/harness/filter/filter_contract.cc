#include "test/harness/filter/filter_contract.h"

#include "gtest/gtest.h"
#include "test/harness/filter/probe_filter.h"

namespace weir::harness {
namespace {

constexpr std::string_view kRequestBody = "the request body";
constexpr std::string_view kResponseBody = "and the response";
constexpr int kSteps = 8;

enum class Breakage { kNone, kDestroy, kClientGone, kTimeout };

struct Variant {
  const char* name;
  size_t piece = SIZE_MAX;  // bytes of a body that are pushed at once
  size_t room = SIZE_MAX;   // of both peers, given again whenever it is used up
  bool neighbours = false;  // filters on both sides that wait everywhere
  bool patient = true;      // time passes between the steps
  Breakage breakage = Breakage::kNone;
  int broken_after = kSteps;
};

// One exchange under one variant.
class Run {
 public:
  Run(const FilterContract& contract, const Variant& variant) : contract_(contract), variant_(variant) {
    outer_.name = "outer";
    inner_.name = "inner";
    outer_.waitEverywhere();
    inner_.waitEverywhere();
    std::vector<filter::HttpChainConfig::Slot> slots;
    if (variant.neighbours) slots.push_back({"outer", std::make_unique<ProbeFactory>(outer_), false});
    if (contract.route) contract.route(world_, route_, slots.size());
    slots.push_back({"tested", contract.make(world_), false});
    if (variant.neighbours) slots.push_back({"inner", std::make_unique<ProbeFactory>(inner_), false});
    config_ = std::make_unique<filter::HttpChainConfig>(std::move(slots));
    exchange_ = std::make_unique<FilterExchange>(world_, *config_, &route_);
    exchange_->client.setRoom(variant.room);
    exchange_->upstream.setRoom(variant.room);
  }

  std::string play() {
    for (int step = 0; step < kSteps && step < variant_.broken_after; ++step) {
      if (exchange_->state() != filter::HttpChain::State::kRunning) break;
      push(step);
      variant_.patient ? pass() : exchange_->settle();
    }
    if (variant_.breakage != Breakage::kNone) return breakOff();
    pass();
    EXPECT_TRUE(exchange_->complete()) << variant_.name;
    return "client: " + clientSaw() + "upstream: " + exchange_->upstream.sent();
  }

 private:
  std::string clientSaw() const {
    std::string sent = exchange_->client.sent();
    const std::string& body = exchange_->client.body();
    if (!contract_.decode_response || body.empty()) return sent;
    return sent.replace(sent.find(body), body.size(), contract_.decode_response(body));
  }

  void push(int step) {
    FilterExchange& x = *exchange_;
    switch (step) {
      case 0: {
        http::Head& head = x.request(contract_.method, contract_.path);
        for (const auto& [name, value] : contract_.request_fields) head.headers.add(name, value);
        return x.client.pushHead(head);
      }
      case 1:
        return pushBody(x.client, kRequestBody);
      case 2:
        return x.client.pushEnd(x.trailers({{"request-trailer", "1"}}));
      case 3:
        return x.upstream.pushHead(x.response(103, {{"link", "early"}}));
      case 4:
        return x.upstream.pushHead(response());
      case 5:
      case 6:
        return pushBody(x.upstream, kResponseBody);
      default:
        return x.upstream.pushEnd(x.trailers({{"response-trailer", "1"}}));
    }
  }

  http::Head& response() {
    http::Head& head = exchange_->response(contract_.status, {{"response-field", "1"}});
    for (const auto& [name, value] : contract_.response_fields) head.headers.add(name, value);
    return head;
  }

  void pushBody(FakeStream& stream, std::string_view body) {
    for (; !body.empty(); body.remove_prefix(std::min(variant_.piece, body.size()))) {
      stream.pushData(body.substr(0, variant_.piece));
    }
  }

  // Time passes, and peers that have no room left get some.
  void pass() {
    for (int i = 0; i < 200; ++i) {
      world_.simulation.runUntilIdle(contract_.patience);
      if (variant_.room == SIZE_MAX) return;
      if (exchange_->client.room() == 0) exchange_->client.setRoom(variant_.room);
      if (exchange_->upstream.room() == 0) exchange_->upstream.setRoom(variant_.room);
    }
  }

  std::string breakOff() {
    FilterExchange& x = *exchange_;
    const bool was_running = x.state() == filter::HttpChain::State::kRunning;
    const bool had_started = x.chain.responseStarted();
    if (variant_.breakage == Breakage::kClientGone) x.client.setLost(http::Reason::kClientGone);
    if (variant_.breakage == Breakage::kTimeout) x.replyOrReset(http::Reason::kStreamIdleTimeout);
    if (variant_.breakage != Breakage::kDestroy) {
      pass();
      const std::string where = std::string(variant_.name) + " after step " + std::to_string(variant_.broken_after);
      EXPECT_NE(x.state(), filter::HttpChain::State::kRunning) << where;
      const bool must_reset = was_running && (variant_.breakage == Breakage::kClientGone || had_started);
      EXPECT_EQ(x.reset(), must_reset) << where;
      if (x.complete()) {
        EXPECT_TRUE(x.client.ended()) << where;
      }
    }
    exchange_.reset();
    world_.simulation.runUntilIdle(contract_.patience);
    return "";
  }

  const FilterContract& contract_;
  const Variant& variant_;
  FilterWorld world_;
  FakeRoute route_;
  Probe outer_;
  Probe inner_;
  std::unique_ptr<filter::HttpChainConfig> config_;
  std::unique_ptr<FilterExchange> exchange_;
};

}  // namespace

std::string runFilterContract(const FilterContract& contract) {
  const Variant plain{.name = "whole parts"};
  const std::string expected = Run(contract, plain).play();
  const Variant same[] = {
      {.name = "one-byte parts", .piece = 1},
      {.name = "one byte of room", .room = 1},
      {.name = "one-byte parts and room", .piece = 1, .room = 1},
      {.name = "neighbours that wait", .neighbours = true},
      {.name = "neighbours that wait, one-byte parts", .piece = 1, .neighbours = true},
      {.name = "no time between the steps", .patient = false},
  };
  for (const Variant& variant : same) EXPECT_EQ(Run(contract, variant).play(), expected) << variant.name;
  for (const Breakage breakage : {Breakage::kDestroy, Breakage::kClientGone, Breakage::kTimeout}) {
    for (const bool neighbours : {false, true}) {
      for (int step = 0; step <= kSteps; ++step) {
        const Variant variant{.name = "broken off",
                              .neighbours = neighbours,
                              .patient = false,
                              .breakage = breakage,
                              .broken_after = step};
        Run(contract, variant).play();
      }
    }
  }
  return expected;
}

}  // namespace weir::harness
