// The part of PluginFilter about requests of the plugin's own.
#include <algorithm>
#include <utility>

#include "source/extensions/filters/http/plugin/plugin_filter.h"
#include "source/extensions/plugins/abi.h"

namespace weir::extensions::plugin_filter {
namespace {

using plugins::FieldSet;
using plugins::view;

constexpr size_t kMostResponseBytes = 1 << 20;
constexpr size_t kMostCalls = 64;
constexpr uint64_t kMostNanoseconds = uint64_t{24} * 3600 * 1'000'000'000;

bool isText(weir_text text) { return text.data != nullptr || text.size == 0; }

// The head of the request; null when something in it is not allowed.
http::Head* headOf(const weir_call& call, base::Arena& arena) {
  auto* const head = arena.make<http::Head>(arena);
  FieldSet set = FieldSet::ofHead(*head);
  head->method = "GET";
  head->scheme = "http";
  const std::string_view authority = call.authority.size == 0 ? view(call.cluster) : view(call.authority);
  bool allowed = call.method.size == 0 || set.set(":method", view(call.method)) == WEIR_OK;
  allowed = allowed && set.set(":path", call.path.size == 0 ? "/" : view(call.path)) == WEIR_OK &&
            set.set(":authority", authority) == WEIR_OK;
  for (size_t i = 0; allowed && i < call.field_count; ++i) {
    allowed = set.append(view(call.fields[i].name), view(call.fields[i].value)) == WEIR_OK;
  }
  return allowed ? head : nullptr;
}

uint32_t outcomeOf(http::Reason reason) {
  if (reason == http::Reason::kRouteTimeout) return WEIR_CALL_TIMED_OUT;
  return reason == http::Reason::kResponseTooLarge ? WEIR_CALL_TOO_LARGE : WEIR_CALL_FAILED;
}

}  // namespace

struct PluginFilter::ActiveCall final : filter::SideCallReceiver {
  ActiveCall(PluginFilter& filter, uint32_t number, ActiveCall* before) : owner(filter), id(number), next(before) {}

  void onSideResponse(filter::SideResponse& answer) override {
    response = &answer;
    owner.onCallDone(*this, answer.head.status);
    response = nullptr;
  }
  void onSideFailed(http::Reason reason) override { owner.onCallDone(*this, outcomeOf(reason)); }

  PluginFilter& owner;
  const uint32_t id;
  ActiveCall* const next;
  filter::SideResponse* response = nullptr;
  base::Ticket ticket;
};

weir_result PluginFilter::httpCall(const weir_call& call, uint32_t& id) {
  const bool texts = isText(call.cluster) && isText(call.method) && isText(call.authority) && isText(call.path) &&
                     isText(call.body) && (call.fields != nullptr || call.field_count == 0);
  if (!live() || !texts || call.cluster.size == 0 || table().call_done == nullptr || last_call_ == kMostCalls) {
    return misuse();
  }
  http::Head* const head = headOf(call, arena());
  if (head == nullptr) return misuse();
  filter::SideRequest request;
  request.cluster = arena().copy(view(call.cluster));
  request.head = head;
  if (call.body.size > 0) {
    request.body.emplace(worker().blocks);
    request.body->append(view(call.body));
  }
  request.timeout = call.timeout_ns == 0
                        ? absl::Seconds(1)
                        : absl::Nanoseconds(static_cast<int64_t>(std::min(call.timeout_ns, kMostNanoseconds)));
  request.max_response_bytes = kMostResponseBytes;
  calls_ = arena().make<ActiveCall>(*this, ++last_call_, calls_);
  calls_->ticket = host().sideCaller().call(std::move(request), *calls_);
  id = calls_->id;
  return WEIR_OK;
}

weir_result PluginFilter::cancelCall(uint32_t id) {
  for (ActiveCall* active = calls_; active != nullptr; active = active->next) {
    if (active->id != id || !active->ticket) continue;
    active->ticket.cancel();
    return WEIR_OK;
  }
  return WEIR_NOT_FOUND;
}

void PluginFilter::onCallDone(ActiveCall& active, uint32_t outcome) {
  if (!live()) return;
  done_ = &active;
  const weir_verdict verdict = call("onCall", table().call_done, active.id, outcome);
  done_ = nullptr;
  onCallback(verdict);
}

void PluginFilter::dropCalls() {
  for (ActiveCall* active = calls_; active != nullptr; active = active->next) active->ticket.cancel();
}

FieldSet PluginFilter::callHead() const {
  if (done_ == nullptr || done_->response == nullptr) return {};
  return FieldSet::ofHeadToRead(done_->response->head);
}

buffer::Buffer* PluginFilter::callBody() const {
  return done_ == nullptr || done_->response == nullptr ? nullptr : &done_->response->body;
}

}  // namespace weir::extensions::plugin_filter
