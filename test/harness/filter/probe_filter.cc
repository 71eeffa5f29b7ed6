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
  return note(HookMask::kRequestHead, "requestHead");
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
  return note(HookMask::kResponseHead, "responseHead " + std::to_string(h.status));
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

Verdict ProbeFilter::note(uint16_t hook, const std::string& call) {
  CHECK(!inside_, "a hook was called from inside a hook");
  CHECK(!completed_, "a hook was called after onComplete");
  CHECK((probe_.hooks & hook) != 0, "a hook was called that the filter does not have");
  if (probe_.log != nullptr) probe_.log->push_back(probe_.name + ": " + call);
  const auto found = probe_.on.find(hook);
  if (found == probe_.on.end()) return Verdict::next();
  inside_ = true;
  const Verdict verdict = found->second(*this);
  inside_ = false;
  return verdict;
}

void ProbeFilter::onTimer(event::Timer& timer) {
  const Direction direction = &timer == answers_[0].timer.get() ? Direction::kRequest : Direction::kResponse;
  host().answer(direction, answers_[static_cast<size_t>(direction)].verdict);
}

}  // namespace weir::harness
