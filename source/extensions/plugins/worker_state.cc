#include "source/extensions/plugins/worker_state.h"

#include <utility>

#include "source/extensions/plugins/catalogue.h"

namespace weir::extensions::plugins {

WorkerState::WorkerState(const weir_host_api& host, Catalogue& catalogue, const net::WorkerContext& worker)
    : weir_worker{sizeof(weir_worker), &host}, catalogue_(catalogue), worker_(worker) {}

void WorkerState::grow() {
  free_slot_ = static_cast<uint32_t>(slots_.size());
  slots_.emplace_back();
}

PluginStream* WorkerState::find(weir_stream stream) {
  if (thread_.load(std::memory_order_relaxed) == &base::breadcrumb() && stream.slot < slots_.size()) {
    const Slot& slot = slots_[stream.slot];
    if (slot.generation == stream.generation && slot.stream != nullptr) return slot.stream;
  }
  catalogue_.countStale();
  return nullptr;
}

weir_token WorkerState::makeToken(PluginStream& stream, uint32_t direction, uint32_t serial) {
  const std::lock_guard lock(mutex_);
  if (free_token_ == kNone) {
    free_token_ = static_cast<uint32_t>(tokens_.size());
    tokens_.emplace_back();
  }
  const uint32_t number = free_token_;
  TokenSlot& slot = tokens_[number];
  free_token_ = slot.next;
  slot.stream = stream.handle();
  slot.direction = direction;
  slot.serial = serial;
  slot.live = true;
  slot.next = std::exchange(stream.firstToken(), number);
  return {this, number, slot.generation};
}

// A token that has ended stays in the list of its stream, and is free again when the stream ends: so nothing has to be
// searched, and a number is never given out while its stream lives.
void WorkerState::endAllTokens(PluginStream& stream) {
  const std::lock_guard lock(mutex_);
  for (uint32_t number = std::exchange(stream.firstToken(), kNone); number != kNone;) {
    TokenSlot& slot = tokens_[number];
    if (slot.live) endToken(slot);
    const uint32_t next = std::exchange(slot.next, std::exchange(free_token_, number));
    number = next;
  }
}

void WorkerState::endToken(TokenSlot& slot) {
  slot.live = false;
  ++slot.generation;
}

WorkerState::TokenSlot* WorkerState::findToken(weir_token token) {
  if (token.slot < tokens_.size()) {
    TokenSlot& slot = tokens_[token.slot];
    if (slot.live && slot.generation == token.generation) return &slot;
  }
  catalogue_.countStale();
  return nullptr;
}

weir_result WorkerState::answer(weir_token token, std::unique_ptr<OwnedReply> reply) {
  const std::lock_guard lock(mutex_);
  TokenSlot* const slot = findToken(token);
  if (slot == nullptr) return WEIR_STALE;
  endToken(*slot);
  // std::function wants what it holds to be copyable.
  auto shared = std::make_shared<std::unique_ptr<OwnedReply>>(std::move(reply));
  worker_.dispatcher.post([this, stream = slot->stream, direction = slot->direction, serial = slot->serial, shared] {
    if (PluginStream* const found = find(stream)) found->settle(direction, serial, std::move(*shared));
  });
  return WEIR_OK;
}

weir_result WorkerState::post(weir_token token, weir_verdict (*run)(void*, weir_stream, void*), void (*drop)(void*),
                              void* data) {
  // Ends `data` when it was not given to `run`, also where the posted function is never run.
  struct Owned {
    Owned(void (*end)(void*), void* what) : drop(end), data(what) {}
    Owned(const Owned&) = delete;
    Owned& operator=(const Owned&) = delete;
    ~Owned() {
      if (drop != nullptr) drop(data);
    }
    void (*drop)(void*);
    void* data;
  };
  auto owned = std::make_shared<Owned>(drop, data);
  const std::lock_guard lock(mutex_);
  const TokenSlot* const slot = findToken(token);
  if (slot == nullptr) return WEIR_STALE;
  worker_.dispatcher.post([this, stream = slot->stream, run, owned] {
    PluginStream* const found = find(stream);
    if (found == nullptr || !found->live()) return;
    owned->drop = nullptr;
    found->runPosted(run, owned->data);
  });
  return WEIR_OK;
}

weir_result WorkerState::drop(weir_token token) {
  const std::lock_guard lock(mutex_);
  TokenSlot* const slot = findToken(token);
  if (slot == nullptr) return WEIR_STALE;
  endToken(*slot);
  return WEIR_OK;
}

}  // namespace weir::extensions::plugins
