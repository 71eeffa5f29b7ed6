#include "source/extensions/plugins/plugin_calls.h"

#include <algorithm>
#include <utility>

#include "source/extensions/plugins/abi.h"
#include "source/extensions/plugins/plugin_stream.h"

namespace weir::extensions::plugins {
namespace {

constexpr size_t kMostResponseBytes = 1 << 20;
constexpr uint32_t kMostCalls = 64;
constexpr uint64_t kMostNanoseconds = uint64_t{24} * 3600 * 1'000'000'000;

bool isText(weir_text text) { return text.data != nullptr || text.size == 0; }

bool allowed(const weir_call& call) {
  return isText(call.cluster) && isText(call.method) && isText(call.authority) && isText(call.path) &&
         isText(call.body) && (call.fields != nullptr || call.field_count == 0) && call.cluster.size > 0;
}

// The head of the request; null when something in it is not allowed.
http::Head* headOf(const weir_call& call, base::Arena& arena) {
  auto* const head = arena.make<http::Head>(arena);
  FieldSet set = FieldSet::ofHead(*head);
  head->method = "GET";
  head->scheme = "http";
  const std::string_view authority = call.authority.size == 0 ? view(call.cluster) : view(call.authority);
  bool good = call.method.size == 0 || set.set(":method", view(call.method)) == WEIR_OK;
  good = good && set.set(":path", call.path.size == 0 ? "/" : view(call.path)) == WEIR_OK &&
         set.set(":authority", authority) == WEIR_OK;
  for (size_t i = 0; good && i < call.field_count; ++i) {
    good = set.append(view(call.fields[i].name), view(call.fields[i].value)) == WEIR_OK;
  }
  return good ? head : nullptr;
}

uint32_t outcomeOf(http::Reason reason) {
  if (reason == http::Reason::kRouteTimeout) return WEIR_CALL_TIMED_OUT;
  return reason == http::Reason::kResponseTooLarge ? WEIR_CALL_TOO_LARGE : WEIR_CALL_FAILED;
}

}  // namespace

struct PluginCalls::Active final : filter::SideCallReceiver {
  Active(PluginCalls& calls, uint32_t number, Active* before) : owner(calls), id(number), next(before) {}

  void onSideResponse(filter::SideResponse& answer) override {
    response = &answer;
    owner.done(*this, answer.head.status);
    response = nullptr;
  }
  void onSideFailed(http::Reason reason) override { owner.done(*this, outcomeOf(reason)); }

  PluginCalls& owner;
  const uint32_t id;
  Active* const next;
  filter::SideResponse* response = nullptr;
  base::Ticket ticket;
};

weir_result PluginCalls::start(const weir_call& call, filter::SideCaller& caller, uint32_t& id) {
  if (!allowed(call) || last_ == kMostCalls) return WEIR_INVALID;
  base::Arena& arena = stream_.arena();
  http::Head* const head = headOf(call, arena);
  if (head == nullptr) return WEIR_INVALID;
  filter::SideRequest request;
  request.cluster = arena.copy(view(call.cluster));
  request.head = head;
  if (call.body.size > 0) {
    request.body.emplace(stream_.worker().blocks);
    request.body->append(view(call.body));
  }
  request.timeout = call.timeout_ns == 0
                        ? absl::Seconds(1)
                        : absl::Nanoseconds(static_cast<int64_t>(std::min(call.timeout_ns, kMostNanoseconds)));
  request.max_response_bytes = kMostResponseBytes;
  first_ = arena.make<Active>(*this, ++last_, first_);
  first_->ticket = caller.call(std::move(request), *first_);
  id = first_->id;
  return WEIR_OK;
}

weir_result PluginCalls::cancel(uint32_t id) {
  for (Active* active = first_; active != nullptr; active = active->next) {
    if (active->id != id || !active->ticket) continue;
    active->ticket.cancel();
    return WEIR_OK;
  }
  return WEIR_NOT_FOUND;
}

void PluginCalls::done(Active& active, uint32_t outcome) {
  done_ = &active;
  stream_.onCallDone(active.id, outcome);
  done_ = nullptr;
}

void PluginCalls::dropAll() {
  for (Active* active = first_; active != nullptr; active = active->next) active->ticket.cancel();
}

FieldSet PluginCalls::head() const {
  if (done_ == nullptr || done_->response == nullptr) return {};
  return FieldSet::ofHeadToRead(done_->response->head);
}

buffer::Buffer* PluginCalls::body() const {
  return done_ == nullptr || done_->response == nullptr ? nullptr : &done_->response->body;
}

}  // namespace weir::extensions::plugins
