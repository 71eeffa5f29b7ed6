// The program:
//
//   filters  count mod 5, then per filter: 2 bytes of hooks, 1 byte (off if 0 mod 8), then per hook 1 byte of action
//   steps    until the bytes end, at most 200: 1 byte of operation mod 16, and its argument
#include "test/filter/chain_model.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <string>

#include "source/base/check.h"
#include "test/harness/filter/filter_exchange.h"
#include "test/harness/filter/probe_filter.h"

namespace weir::filter {
namespace {

using harness::FilterExchange;
using harness::Probe;
using harness::ProbeFilter;
using http::Reason;

class Bytes {
 public:
  explicit Bytes(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  bool empty() const { return at_ == bytes_.size(); }
  unsigned next() { return empty() ? 0 : bytes_[at_++]; }

 private:
  std::span<const uint8_t> bytes_;
  size_t at_ = 0;
};

bool isHeadHook(uint16_t hook) { return hook == HookMask::kRequestHead || hook == HookMask::kResponseHead; }

void addAction(Probe& probe, uint16_t hook, unsigned action) {
  const size_t limit = action >> 3;
  switch (action % 8) {
    case 4:
      return probe.waitAt(hook);
    case 5:
      if (isHeadHook(hook)) return probe.waitAt(hook, Verdict::collect(limit));
      return;
    case 6:
      if (isHeadHook(hook)) return probe.collectAt(hook, limit);
      return;
    case 7:
      return probe.replyAt(hook, limit % 2 == 0 ? "" : "reply");
    default:
      return;
  }
}

class Model {
 public:
  explicit Model(Bytes bytes) : bytes_(bytes) {
    std::vector<HttpChainConfig::Slot> slots;
    const unsigned count = bytes_.next() % 5;
    for (unsigned i = 0; i < count; ++i) slots.push_back(slot());
    config_ = std::make_unique<HttpChainConfig>(std::move(slots));
    exchange_ = std::make_unique<FilterExchange>(world_, *config_, nullptr);
  }

  void run() {
    for (int i = 0; i < 200 && !bytes_.empty() && running(); ++i) step();
    finish();
    const FilterExchange& x = *exchange_;
    CHECK(!running(), "an exchange whose peers have ended is still running");
    CHECK(!x.complete() || x.client.ended(), "an exchange completed without the end of a response");
    CHECK(x.reset() == (x.info.reason != Reason::kNone && !x.complete()),
          "a reset has no reason, or a reason no effect");
    CHECK(request_.substr(0, x.upstream.body().size()) == x.upstream.body(), "the upstream got other bytes");
    if (x.info.reason == Reason::kNone) {
      CHECK(response_.substr(0, x.client.body().size()) == x.client.body(), "the client got other bytes");
    }
    exchange_.reset();
    world_.simulation.runFor(absl::Milliseconds(10));
  }

 private:
  HttpChainConfig::Slot slot() {
    Probe& probe = probes_.emplace_back();
    probe.name = "probe";
    const unsigned low = bytes_.next();
    probe.hooks = static_cast<uint16_t>(low | HookMask::kComplete);
    const bool off = bytes_.next() % 8 == 1;
    for (uint16_t hook = HookMask::kRequestHead; hook < HookMask::kComplete; hook = static_cast<uint16_t>(hook << 1)) {
      addAction(probe, hook, bytes_.next());
    }
    return {"probe", std::make_unique<harness::ProbeFactory>(probe), off};
  }

  bool running() const { return exchange_->state() == HttpChain::State::kRunning; }

  void step() {
    const unsigned operation = bytes_.next() % 16;
    const unsigned argument = bytes_.next();
    FilterExchange& x = *exchange_;
    switch (operation) {
      case 0:
      case 1:
        return pushRequest(argument);
      case 2:
      case 3:
        return pushResponse(argument);
      case 4:
        return endRequest();
      case 5:
        return endResponse();
      case 6:
        if (response_state_ == 0) x.upstream.pushHead(x.response(103));
        return;
      case 7:
        return x.client.setRoom(argument);
      case 8:
        return x.upstream.setRoom(argument);
      case 9:
      case 10:
        return world_.simulation.runFor(absl::Microseconds(argument * 20));
      case 11:
        if (argument % 4 == 0) x.replyOrReset(argument % 8 == 0 ? Reason::kRouteTimeout : Reason::kMaxStreamDuration);
        return;
      case 12:
        if (argument % 8 == 0) x.client.setLost(Reason::kClientGone);
        return;
      case 13:
        if (argument % 8 == 0 && response_state_ < 2) {
          response_state_ = 2;
          x.upstream.pushFailed(Reason::kUpstreamReset);
        }
        return;
      case 14:
        if (argument % 8 == 0 && request_state_ < 2) {
          request_state_ = 2;
          x.client.pushFailed(Reason::kBadChunk);
        }
        return;
      default:
        return x.settle();
    }
  }

  void pushRequest(unsigned argument) {
    FilterExchange& x = *exchange_;
    if (request_state_ == 0) {
      static constexpr std::string_view kMethods[] = {"GET", "HEAD", "CONNECT", "POST"};
      http::Head& head = x.request(kMethods[argument % 4], "/");
      head.expects_continue = argument % 3 == 0;
      x.client.pushHead(head);
      request_state_ = 1;
    } else if (request_state_ == 1) {
      const std::string bytes(argument % 16 + 1, static_cast<char>('a' + argument % 26));
      request_ += bytes;
      x.client.pushData(bytes);
    }
  }

  void pushResponse(unsigned argument) {
    FilterExchange& x = *exchange_;
    if (response_state_ == 0) {
      x.upstream.pushHead(x.response(argument % 5 == 0 ? 101 : 200));
      response_state_ = 1;
    } else if (response_state_ == 1) {
      const std::string bytes(argument % 16 + 1, static_cast<char>('a' + argument % 26));
      response_ += bytes;
      x.upstream.pushData(bytes);
    }
  }

  void endRequest() {
    if (request_state_ == 0) pushRequest(0);
    if (request_state_ == 1) exchange_->client.pushEnd();
    request_state_ = 2;
  }

  void endResponse() {
    if (response_state_ == 0) pushResponse(1);
    if (response_state_ == 1) exchange_->upstream.pushEnd();
    response_state_ = 2;
  }

  // Both peers say what is left to say and take all they get.
  void finish() {
    endRequest();
    endResponse();
    exchange_->client.setRoom(SIZE_MAX);
    exchange_->upstream.setRoom(SIZE_MAX);
    world_.simulation.runFor(absl::Seconds(1));
  }

  Bytes bytes_;
  harness::FilterWorld world_;
  std::deque<Probe> probes_;
  std::unique_ptr<HttpChainConfig> config_;
  std::unique_ptr<FilterExchange> exchange_;
  int request_state_ = 0;  // 1: the head was pushed; 2: the end was
  int response_state_ = 0;
  std::string request_;
  std::string response_;
};

}  // namespace

void runChainProgram(std::span<const uint8_t> program) { Model(Bytes(program)).run(); }

}  // namespace weir::filter
