#include "test/harness/filter/probe_filter.h"

#include <utility>

#include "source/base/check.h"

namespace weir::harness {

using filter::Direction;
using filter::HookMask;
using filter::Verdict;

namespace {

constexpr uint16_t kRequestHooks =
    HookMask::kRequestHead | HookMask::kRequestData | HookMask::kRequestEnd | HookMask::kRequestWhole;

Direction directionOf(uint16_t hook) {
  return (hook & kRequestHooks) != 0 ? Direction::kRequest : Direction::kResponse;
}

}  // namespace

void Probe::waitAt(uint16_t hook, Verdict then) {
  on.insert_or_assign(
      hook, [hook, then](ProbeFilter& filter) { return filter.later(directionOf(hook), absl::Milliseconds(1), then); });
}

void Probe::waitEverywhere() {
  for (uint16_t hook = HookMask::kRequestHead; hook < HookMask::kComplete; hook = static_cast<uint16_t>(hook << 1)) {
    waitAt(hook);
  }
}

void Probe::collectAt(uint16_t hook, size_t max_bytes) {
  on.insert_or_assign(hook, [max_bytes](ProbeFilter&) { return Verdict::collect(max_bytes); });
}

void Probe::replyAt(uint16_t hook, std::string_view body) {
  on.insert_or_assign(hook, [body = std::string(body)](ProbeFilter& filter) { return filter.replyWith(body); });
}

ProbeFilter::ProbeFilter(const Probe& probe, event::Dispatcher& dispatcher) : probe_(probe), dispatcher_(dispatcher) {}

ProbeFilter::~ProbeFilter() { CHECK(completed_, "a filter was destroyed without onComplete"); }

Verdict ProbeFilter::onRequestHead(http::Head& h) {
  head = &h;
  return note(HookMask::kRequestHead, "requestHead", &h);
}
Verdict ProbeFilter::onRequestData(buffer::Buffer& data) {
  return note(HookMask::kRequestData, "requestData " + data.toString());
}
Verdict ProbeFilter::onRequestEnd(filter::End&) { return note(HookMask::kRequestEnd, "requestEnd"); }
Verdict ProbeFilter::onRequest(filter::Message& m) {
  message = &m;
  return note(HookMask::kRequestWhole, "request " + m.body.toString());
}
Verdict ProbeFilter::onResponseHead(http::Head& h) {
  head = &h;
  return note(HookMask::kResponseHead, "responseHead " + std::to_string(h.status), &h);
}
Verdict ProbeFilter::onResponseData(buffer::Buffer& data) {
  return note(HookMask::kResponseData, "responseData " + data.toString());
}
Verdict ProbeFilter::onResponseEnd(filter::End&) { return note(HookMask::kResponseEnd, "responseEnd"); }
Verdict ProbeFilter::onResponse(filter::Message& m) {
  message = &m;
  return note(HookMask::kResponseWhole, "response " + m.body.toString());
}
void ProbeFilter::onComplete(const filter::StreamInfo&) {
  note(HookMask::kComplete, "complete");
  completed_ = true;
}

Verdict ProbeFilter::later(Direction direction, absl::Duration after, Verdict then) {
  Answer& answer = answers_[static_cast<size_t>(direction)];
  answer.verdict = then;
  answer.timer = std::make_unique<event::Timer>(dispatcher_, static_cast<event::TimerHandler&>(*this));
  answer.timer->arm(after);
  return Verdict::wait();
}

Verdict ProbeFilter::replyWith(std::string_view body) {
  auto* const reply = host().arena().make<filter::LocalReply>();
  reply->status = 403;
  reply->body = host().arena().copy(body);
  return Verdict::reply(*reply);
}

void ProbeFilter::checkOrder(uint16_t hook, const http::Head* shown_head) {
  if (hook == HookMask::kComplete) return;
  const Direction direction = directionOf(hook);
  Shown& now = shown(direction);
  const uint16_t waited = waited_[static_cast<size_t>(direction)];
  CHECK(waited == 0 || answers_[static_cast<size_t>(direction)].timer == nullptr ||
            !answers_[static_cast<size_t>(direction)].timer->armed(),
        "a part overtook a filter that waits");
  if (shown_head != nullptr) {
    CHECK(now == Shown::kNothing, "a filter was shown a second head");
    interim_ = shown_head->isInterim();
    if (!interim_) now = Shown::kHead;
    return;
  }
  const bool whole = hook == HookMask::kRequestWhole || hook == HookMask::kResponseWhole;
  // A filter without a head hook is shown data and end alone.
  const uint16_t head_hook = direction == Direction::kRequest ? HookMask::kRequestHead : HookMask::kResponseHead;
  const bool knows_head = (probe_.hooks & head_hook) != 0;
  CHECK(!knows_head || now == (whole ? Shown::kCollecting : Shown::kHead), "a part came out of order");
  CHECK(now != Shown::kEnd, "a part came after the end");
  const bool end = hook == HookMask::kRequestEnd || hook == HookMask::kResponseEnd;
  if (whole || end) now = Shown::kEnd;
}

void ProbeFilter::noteVerdict(uint16_t hook, const Verdict& verdict) {
  if (hook == HookMask::kComplete) return;
  const Direction direction = directionOf(hook);
  waited_[static_cast<size_t>(direction)] = verdict.kind() == Verdict::Kind::kWait ? hook : uint16_t{0};
  const bool interim = interim_ && direction == Direction::kResponse;
  if (verdict.kind() == Verdict::Kind::kCollect && !interim) shown(direction) = Shown::kCollecting;
}

Verdict ProbeFilter::note(uint16_t hook, const std::string& call, const http::Head* shown_head) {
  CHECK(!inside_, "a hook was called from inside a hook");
  CHECK(!completed_, "a hook was called after onComplete");
  CHECK((probe_.hooks & hook) != 0, "a hook was called that the filter does not have");
  checkOrder(hook, shown_head);
  if (probe_.log != nullptr) probe_.log->push_back(probe_.name + ": " + call);
  const auto found = probe_.on.find(hook);
  if (found == probe_.on.end()) return Verdict::next();
  inside_ = true;
  const Verdict verdict = found->second(*this);
  inside_ = false;
  noteVerdict(hook, verdict);
  return verdict;
}

void ProbeFilter::onTimer(event::Timer& timer) {
  const Direction direction = &timer == answers_[0].timer.get() ? Direction::kRequest : Direction::kResponse;
  const Answer& answer = answers_[static_cast<size_t>(direction)];
  noteVerdict(waited_[static_cast<size_t>(direction)], answer.verdict);
  host().answer(direction, answer.verdict);
}

}  // namespace weir::harness
