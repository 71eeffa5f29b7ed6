#include "source/extensions/plugins/plugin_stream.h"

#include <algorithm>

#include "absl/time/time.h"
#include "source/extensions/plugins/abi.h"
#include "source/extensions/plugins/catalogue.h"
#include "source/extensions/plugins/worker_state.h"

namespace weir::extensions::plugins {
namespace {

constexpr uint32_t kMostTimers = 64;
constexpr uint32_t kMostFields = 256;

}  // namespace

struct PluginStream::Timer final : event::TimerHandler {
  Timer(PluginStream& owner, uint32_t number, Timer* before)
      : stream(owner), id(number), next(before), timer(owner.worker_.dispatcher, *this) {}
  void onTimer(event::Timer&) override { stream.onTimer(id); }

  PluginStream& stream;
  const uint32_t id;
  Timer* const next;
  event::Timer timer;
};

std::unique_ptr<OwnedReply> OwnedReply::copy(const weir_reply* given) {
  if (given == nullptr) return nullptr;
  const weir_reply reply = resized(*given);
  if (reply.status < 200 || reply.status > 599 || reply.field_count > kMostFields ||
      (reply.field_count > 0 && reply.fields == nullptr) || (reply.body.size > 0 && reply.body.data == nullptr)) {
    return nullptr;
  }
  auto made = std::make_unique<OwnedReply>();
  made->status = static_cast<uint16_t>(reply.status);
  made->body = view(reply.body);
  for (uint32_t i = 0; i < reply.field_count; ++i) {
    const std::string_view name = view(reply.fields[i].name);
    const std::string_view value = view(reply.fields[i].value);
    if (!fieldAllowed(name, value)) return nullptr;
    made->fields.emplace_back(name, value);
  }
  return made;
}

PluginStream::PluginStream(Plugin& plugin, const net::WorkerContext& worker, base::Arena& arena)
    : plugin_(plugin),
      worker_(worker),
      arena_(arena),
      state_(plugin.catalogue().stateOf(worker)),
      hold_(plugin.acquire(worker)) {}

bool PluginStream::mayStart() {
  if (mode_ != Mode::kNew) return false;
  if (plugin_.quarantined(worker_)) {
    plugin_.count(worker_, Plugin::Counter::kQuarantined);
    mode_ = Mode::kBarred;
    return false;
  }
  handle_ = state_.add(*this);
  return true;
}

void PluginStream::closeAll() {
  calls_.drop();
  for (Timer* timer = timers_; timer != nullptr; timer = timer->next) timer->timer.cancel();
  state_.endTokens(*this);
}

// The timers stand in the arena and may have ended before.
void PluginStream::finish(void (*stream_free)(void*)) {
  timers_ = nullptr;
  if (handle_.worker != nullptr) {
    state_.endTokens(*this);
    state_.remove(handle_);
  }
  if (self_ != nullptr) {
    const base::BreadcrumbScope crumb(plugin_.name().c_str(), "its destructor");
    stream_free(self_);
  }
  Plugin::release(hold_);
}

void PluginStream::fail() {
  if (mode_ == Mode::kFailed) return;
  mode_ = Mode::kFailed;
  plugin_.onFailure(worker_);
}

weir_result PluginStream::misuse() {
  plugin_.count(worker_, Plugin::Counter::kInvalidCalls);
  return WEIR_INVALID;
}

void PluginStream::drain(buffer::Buffer& body, size_t bytes) {
  if (!views_given_) return body.drain(bytes);
  if (kept_ == nullptr) kept_ = std::make_unique<std::vector<buffer::Buffer>>();
  kept_->push_back(std::move(body));
  body = buffer::Buffer(worker_.blocks);
  size_t skip = bytes;
  kept_->back().forEachPiece([&](std::string_view piece) {
    const size_t dropped = std::min(skip, piece.size());
    skip -= dropped;
    body.append(piece.substr(dropped));
    return true;
  });
}

void PluginStream::endViews() {
  views_given_ = false;
  if (kept_ != nullptr) kept_->clear();
}

weir_result PluginStream::setTimer(uint32_t id, uint64_t after_ns) {
  if (mode_ != Mode::kNew && !live()) return WEIR_TOO_LATE;
  Timer* timer = timers_;
  while (timer != nullptr && timer->id != id) timer = timer->next;
  if (timer == nullptr) {
    if (timer_count_ == kMostTimers || timerHook() == nullptr) return misuse();
    ++timer_count_;
    timer = timers_ = arena_.make<Timer>(*this, id, timers_);
  }
  timer->timer.arm(absl::Nanoseconds(static_cast<int64_t>(std::min<uint64_t>(after_ns, INT64_MAX))));
  return WEIR_OK;
}

weir_result PluginStream::httpCall(const weir_call& call, uint32_t& id) {
  if (!live() || callHook() == nullptr) return misuse();
  const weir_result result = calls_.start(call, sideCaller(), id);
  return result == WEIR_INVALID ? misuse() : result;
}

void PluginStream::onCallDone(uint32_t id, uint32_t outcome) {
  if (live()) onCallback(call("onCall", callHook(), id, outcome));
}

weir_result PluginStream::cancelTimer(uint32_t id) {
  for (Timer* timer = timers_; timer != nullptr; timer = timer->next) {
    if (timer->id != id) continue;
    timer->timer.cancel();
    return WEIR_OK;
  }
  return WEIR_NOT_FOUND;
}

void PluginStream::onTimer(uint32_t id) {
  if (live()) onCallback(call("onTimer", timerHook(), id));
}

void PluginStream::runPosted(weir_verdict (*run)(void*, weir_stream, void*), void* data) {
  onCallback(call("a posted function", run, data));
}

}  // namespace weir::extensions::plugins
