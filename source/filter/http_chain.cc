#include "source/filter/http_chain.h"

#include <algorithm>
#include <utility>

#include "source/base/check.h"

namespace weir::filter {
namespace {

// Steps per direction and drive(), so that one exchange cannot keep the worker.
constexpr size_t kStepsPerDrive = 64;

}  // namespace

// What one filter sees of the chain. In the arena, as long as the filter.
class HttpChain::Host final : public FilterHost {
 public:
  Host(HttpChain& chain, size_t slot) : chain_(chain), slot_(slot) {}

  void answer(Direction direction, Verdict verdict) override {
    if (direction == Direction::kRequest) {
      chain_.request_.answer(slot_, verdict);
    } else {
      chain_.response_.answer(chain_.config_.size() - 1 - slot_, verdict);
    }
    chain_.owner_.wakeChain();
  }
  const StreamInfo& info() const override { return chain_.info_; }
  StreamInfo& mutableInfo() override { return chain_.info_; }
  base::Arena& arena() override { return chain_.arena_; }
  event::Dispatcher& dispatcher() override { return chain_.worker_.dispatcher; }
  const RouteFilterConfig* routeConfig() const override {
    return chain_.info_.route == nullptr ? nullptr : chain_.info_.route->filterConfig(slot_);
  }
  size_t routeConfigs(const RouteFilterConfig** out, size_t capacity) const override {
    return chain_.info_.route == nullptr ? 0 : chain_.info_.route->filterConfigs(slot_, out, capacity);
  }
  SideCaller& sideCaller() override { return chain_.owner_.sideCaller(); }
  void rerouteRequest() override { chain_.request_.pause(); }

 private:
  HttpChain& chain_;
  size_t slot_;
};

HttpChain::HttpChain(const HttpChainConfig& config, const net::WorkerContext& worker, base::Arena& arena,
                     StreamInfo& info, http::Stream& source, http::Stream& sink, ChainOwner& owner)
    : config_(config),
      worker_(worker),
      arena_(arena),
      info_(info),
      source_(source),
      sink_(sink),
      owner_(owner),
      request_(Direction::kRequest, config, worker.blocks),
      response_(Direction::kResponse, config, worker.blocks) {}

HttpChain::State HttpChain::drive() {
  CHECK(!driving_, "a chain was driven from inside one of its hooks");
  CHECK(!completed_, "a chain was driven after complete()");
  driving_ = true;
  if (state_ == State::kRunning) run();
  driving_ = false;
  return state_;
}

void HttpChain::run() {
  if (const http::Reason lost = sink_.lost(); lost != http::Reason::kNone) return fail(lost);
  if (pending_reason_ != http::Reason::kNone) {
    const http::Reason reason = std::exchange(pending_reason_, http::Reason::kNone);
    replyWith(reason, pending_body_, outwardOf(request_.holder()));
  }
  size_t request_steps = kStepsPerDrive;
  size_t response_steps = kStepsPerDrive;
  // In turns, until what one of them did lets the other do no more.
  bool first = true;
  bool moved = true;
  while (moved && state_ == State::kRunning) {
    const size_t request_before = request_steps;
    while (state_ == State::kRunning && request_steps > 0 && stepRequest()) --request_steps;
    if (!std::exchange(first, false) && request_steps == request_before) break;
    const size_t response_before = response_steps;
    while (state_ == State::kRunning && response_steps > 0 && stepResponse()) --response_steps;
    moved = response_steps != response_before;
  }
  if (state_ == State::kRunning && (request_steps == 0 || response_steps == 0)) owner_.wakeChain();
}

// Makes the filters from that slot on that the route leaves on. Those before it stay as they are.
void HttpChain::makeFilters(size_t from) {
  const size_t n = config_.size();
  if (n == 0) return;
  if (filters_ == nullptr) {
    filters_ = static_cast<HttpFilter**>(arena_.allocate(n * sizeof(HttpFilter*), alignof(HttpFilter*)));
    std::fill_n(filters_, n, nullptr);
  }
  auto* const hosts = static_cast<Host*>(arena_.allocate((n - from) * sizeof(Host), alignof(Host)));
  for (size_t i = from; i < n; ++i) {
    const std::optional<bool> said = info_.route == nullptr ? std::nullopt : info_.route->filterDisabled(i);
    const uint64_t bit = uint64_t{1} << i;
    const uint64_t mirrored = uint64_t{1} << (n - 1 - i);
    if (said.value_or(config_.slot(i).disabled)) {
      request_active_ &= ~bit;
      response_active_ &= ~mirrored;
      continue;
    }
    request_active_ |= bit;
    response_active_ |= mirrored;
    if (filters_[i] != nullptr) continue;
    filters_[i] = config_.slot(i).factory->create(arena_, worker_);
    filters_[i]->setHost(*new (hosts + (i - from)) Host(*this, i));
  }
}

void HttpChain::replyOrReset(http::Reason reason, std::string_view body) {
  if (pending_reason_ != http::Reason::kNone || state_ != State::kRunning) return;
  pending_reason_ = reason;
  pending_body_ = arena_.copy(body);
}

void HttpChain::complete() {
  CHECK(!driving_, "a chain was completed from inside one of its hooks");
  if (std::exchange(completed_, true)) return;
  if (!info_.complete) info_.complete = worker_.dispatcher.now();
  if (filters_ == nullptr) return;
  for (uint64_t left = config_.having(HookMask::kComplete); left != 0; left &= left - 1) {
    HttpFilter* const filter = filters_[__builtin_ctzll(left)];
    if (filter != nullptr) filter->onComplete(info_);
  }
}

void HttpChain::fail(http::Reason reason) {
  note(reason);
  state_ = State::kReset;
  dropTerminal(reason);
  request_.drop();
  response_.drop();
}

void HttpChain::dropTerminal(http::Reason reason) {
  if (std::exchange(terminal_, nullptr) != nullptr) owner_.dropTerminal(reason);
}

void HttpChain::note(http::Reason reason) {
  if (info_.reason == http::Reason::kNone) info_.reason = reason;
}

}  // namespace weir::filter
