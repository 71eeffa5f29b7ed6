#include "source/extensions/filters/http/plugin/plugin_filter.h"

#include <utility>

#include "source/extensions/filters/http/plugin/route_config.h"
#include "source/extensions/plugins/abi.h"
#include "source/extensions/plugins/worker_state.h"

namespace weir::extensions::plugin_filter {

using filter::Direction;
using filter::Verdict;
using plugins::FieldSet;
using plugins::Plugin;

namespace {

Direction directionOf(uint32_t direction) {
  return direction == WEIR_REQUEST ? Direction::kRequest : Direction::kResponse;
}

}  // namespace

__attribute__((always_inline)) inline Verdict PluginFilter::runHook(uint32_t direction, http::Head* head,
                                                                    buffer::Buffer* data, filter::End* end,
                                                                    const char* name, Hook hook) {
  Side& side = sides_[direction];
  // A local answer took the place of what this filter held: its own answer has no use any more.
  if (side.paused) endPause(direction, Verdict::next());
  side.part.head = head;
  side.part.data = data;
  side.part.end = end;
  side.edited = false;
  ++side.serial;
  in_hook_ = direction;
  const weir_verdict answer = call(name, hook);
  in_hook_ = kNowhere;
  if (answer == WEIR_CONTINUE && reply_ == nullptr) {
    side.part = {};
    return Verdict::next();
  }
  const Verdict verdict = verdictOf(answer, direction);
  side.paused = verdict.kind() == Verdict::Kind::kWait;
  if (!side.paused) side.part = {};
  return verdict;
}

inline Verdict PluginFilter::run(uint32_t direction, Part part, const char* name, Hook hook) {
  if (live()) return hook == nullptr ? Verdict::next() : runHook(direction, part.head, part.data, part.end, name, hook);
  return mode() == Mode::kFailed && !replied_ ? replyFor(http::Reason::kPluginFailed) : Verdict::next();
}

PluginFilter::PluginFilter(Plugin& plugin, const net::WorkerContext& worker, base::Arena& arena, size_t max_body_bytes)
    : PluginStream(plugin, worker, arena), table_(*hold().http), max_body_bytes_(max_body_bytes) {}

PluginFilter::~PluginFilter() { finish(table().stream_free); }

void PluginFilter::setHost(filter::FilterHost& host) {
  HttpFilter::setHost(host);
  start(table());
}

Verdict PluginFilter::onRequestHead(http::Head& head) {
  sides_[WEIR_REQUEST].seen = &head;
  if (mode() == Mode::kBarred && !plugin().spec().quarantine.open) return replyFor(http::Reason::kPluginQuarantined);
  if ((table().flags & WEIR_EDITS_REQUEST_BODY) != 0) head.content_length.reset();
  return run(WEIR_REQUEST, {&head, nullptr, nullptr}, "onRequestHead", table().request_head);
}

Verdict PluginFilter::onRequestData(buffer::Buffer& data) {
  return run(WEIR_REQUEST, {nullptr, &data, nullptr}, "onRequestData", table().request_data);
}

Verdict PluginFilter::onRequestEnd(filter::End& end) {
  return run(WEIR_REQUEST, {nullptr, &end.tail, &end}, "onRequestEnd", table().request_end);
}

Verdict PluginFilter::onRequest(filter::Message& message) {
  const Part part{&message.head, &message.body, &message.end};
  const Verdict verdict = run(WEIR_REQUEST, part, "onRequestWhole", table().request_whole);
  fitLength(WEIR_REQUEST, message);
  return verdict;
}

// What a response to HEAD declares is not what comes.
bool PluginFilter::isBodiless(const http::Head& response) const {
  const http::Head* const request = host().info().request_head;
  return response.isInterim() || response.status == 304 || (request != nullptr && request->isHead());
}

Verdict PluginFilter::onResponseHead(http::Head& head) {
  sides_[WEIR_RESPONSE].seen = &head;
  if ((table().flags & WEIR_EDITS_RESPONSE_BODY) != 0 && !isBodiless(head)) head.content_length.reset();
  return run(WEIR_RESPONSE, {&head, nullptr, nullptr}, "onResponseHead", table().response_head);
}

Verdict PluginFilter::onResponseData(buffer::Buffer& data) {
  return run(WEIR_RESPONSE, {nullptr, &data, nullptr}, "onResponseData", table().response_data);
}

Verdict PluginFilter::onResponseEnd(filter::End& end) {
  return run(WEIR_RESPONSE, {nullptr, &end.tail, &end}, "onResponseEnd", table().response_end);
}

Verdict PluginFilter::onResponse(filter::Message& message) {
  const Part part{&message.head, &message.body, &message.end};
  const Verdict verdict = run(WEIR_RESPONSE, part, "onResponseWhole", table().response_whole);
  fitLength(WEIR_RESPONSE, message);
  return verdict;
}

void PluginFilter::onComplete(const filter::StreamInfo&) {
  if (sides_[WEIR_REQUEST].paused || sides_[WEIR_RESPONSE].paused) sides_ = {};
  if (live() && table().complete != nullptr && call("onComplete", table().complete) == WEIR_FAILED) fail();
  close();
}

Verdict PluginFilter::verdictOf(weir_verdict verdict, uint32_t direction) {
  if (reply_ != nullptr) return Verdict::reply(*std::exchange(reply_, nullptr));
  switch (verdict) {
    case WEIR_CONTINUE:
      return Verdict::next();
    case WEIR_PAUSE:
      return Verdict::wait();
    case WEIR_BUFFER: {
      const Hook hook = direction == WEIR_REQUEST ? table().request_whole : table().response_whole;
      http::Head* const head = sides_[direction].part.head;
      if (head == nullptr || hook == nullptr || sides_[direction].part.data != nullptr) break;
      const size_t whole = wholeLimit(*head);
      // A tunnel has no end that one could wait for.
      return whole == 0 ? Verdict::next() : Verdict::collect(whole);
    }
    case WEIR_FAILED:
      return failed();
    default:
      break;
  }
  misuse();
  return failed();
}

size_t PluginFilter::wholeLimit(const http::Head& head) const {
  if (!head.upgrade.empty() || head.isConnect() || head.status == 101) return 0;
  const auto* const config = static_cast<const RouteConfig*>(host().routeConfig());
  return config != nullptr && config->max_body_bytes ? *config->max_body_bytes : max_body_bytes_;
}

// The length of what was edited is known, and upstreams like that better than chunks.
void PluginFilter::fitLength(uint32_t direction, filter::Message& message) {
  if (!sides_[direction].edited ||
      (direction == WEIR_RESPONSE && !message.head.content_length && message.end.trailers != nullptr)) {
    return;
  }
  message.head.content_length.reset();
  if (message.end.trailers == nullptr) message.head.content_length = message.body.size();
}

Verdict PluginFilter::failed() {
  fail();
  return replyFor(http::Reason::kPluginFailed);
}

Verdict PluginFilter::replyFor(http::Reason reason) {
  replied_ = true;
  auto* const reply = arena().make<filter::LocalReply>();
  reply->reason = reason;
  reply->status = http::reasonInfo(reason).status;
  reply->body = http::reasonInfo(reason).sentence;
  return Verdict::reply(*reply);
}

filter::LocalReply& PluginFilter::localReply(const plugins::OwnedReply& reply) {
  auto* const made = arena().make<filter::LocalReply>();
  made->status = reply.status;
  made->body = arena().copy(reply.body);
  if (!reply.fields.empty()) {
    made->head = arena().make<http::Head>(arena());
    made->head->status = reply.status;
    for (const auto& [name, value] : reply.fields) made->head->headers.add(name, value);
  }
  return *made;
}

// --- what the host functions ask for

FieldSet PluginFilter::fields(weir_fields which) {
  if (which == WEIR_CALL_HEAD) return calls().head();
  const Side& side = sides_[which / 2];
  if (which % 2 == 1) {
    filter::End* const end = side.part.end;
    return end == nullptr || end->trailers == nullptr ? FieldSet() : FieldSet::ofTrailers(*end->trailers);
  }
  if (side.part.head != nullptr) return FieldSet::ofHead(*side.part.head);
  if (side.seen != nullptr) return FieldSet::ofHeadToRead(*side.seen);
  const filter::StreamInfo& info = host().info();
  const http::Head* const head = which == WEIR_REQUEST_HEAD ? info.request_head : info.response_head;
  return head == nullptr ? FieldSet() : FieldSet::ofHeadToRead(*head);
}

buffer::Buffer* PluginFilter::body(weir_body which, bool edit) {
  if (which == WEIR_CALL_BODY) return calls().body();
  if (which > WEIR_RESPONSE_BODY) return nullptr;
  Side& side = sides_[which];
  if (edit) side.edited = true;
  return side.part.data;
}

weir_result PluginFilter::routeConfig(void*& out) {
  const auto* const config = static_cast<const RouteConfig*>(host().routeConfig());
  out = config == nullptr ? nullptr : config->route->configFor(generation());
  return out == nullptr ? WEIR_NOT_FOUND : WEIR_OK;
}

weir_result PluginFilter::reply(std::unique_ptr<plugins::OwnedReply> given) {
  if (replied_ || !live()) return misuse();
  if (in_hook_ != kNowhere) {
    replied_ = true;
    reply_ = &localReply(*given);
    return WEIR_OK;
  }
  const uint32_t direction = sides_[WEIR_REQUEST].paused ? WEIR_REQUEST : WEIR_RESPONSE;
  if (!sides_[direction].paused) return misuse();
  replied_ = true;
  endPause(direction, Verdict::reply(localReply(*given)));
  return WEIR_OK;
}

weir_result PluginFilter::resume(uint32_t direction) {
  if (!sides_[direction].paused || !live()) return misuse();
  endPause(direction, Verdict::next());
  return WEIR_OK;
}

void PluginFilter::endPause(uint32_t direction, Verdict verdict) {
  Side& side = sides_[direction];
  side.paused = false;
  side.part = {};
  host().answer(directionOf(direction), verdict);
}

weir_result PluginFilter::reroute() {
  if (in_hook_ != WEIR_REQUEST || sides_[WEIR_REQUEST].part.head == nullptr) return misuse();
  host().rerouteRequest();
  return WEIR_OK;
}

weir_result PluginFilter::write(std::string_view) { return misuse(); }

std::optional<uint32_t> PluginFilter::pauseSerial(uint32_t direction) const {
  if (!live() || (in_hook_ != direction && !sides_[direction].paused)) return std::nullopt;
  return sides_[direction].serial;
}

void PluginFilter::settle(uint32_t direction, uint32_t serial, std::unique_ptr<plugins::OwnedReply> given) {
  const Side& side = sides_[direction];
  if (!side.paused || side.serial != serial || !live() || (given != nullptr && replied_)) {
    misuse();
    return;
  }
  if (given == nullptr) return endPause(direction, Verdict::next());
  replied_ = true;
  endPause(direction, Verdict::reply(localReply(*given)));
}

// A filter that failed between its hooks answers what it held, or else the next part that comes.
void PluginFilter::onCallback(weir_verdict verdict) {
  if (verdict != WEIR_FAILED) return;
  fail();
  for (const uint32_t direction : {WEIR_REQUEST, WEIR_RESPONSE}) {
    if (!sides_[direction].paused) continue;
    endPause(direction, replied_ ? Verdict::next() : replyFor(http::Reason::kPluginFailed));
  }
}

std::optional<std::string_view> PluginFilter::attributeText(uint32_t id) {
  if (addresses_ == nullptr) addresses_ = arena().make<AddressTexts>();
  return textAttribute(id, host().info(), arena(), *addresses_);
}

std::optional<uint64_t> PluginFilter::attributeNumber(uint32_t id) {
  return numberAttribute(id, host().info(), worker());
}

}  // namespace weir::extensions::plugin_filter
