// WorkerState: what plugins have on one worker: the table that handles of streams lead to, and that of tokens. Made by
// the Catalogue at the first stream, kept as long as it; a weir_worker for the plugins. Streams are for the worker
// alone; tokens may be used from any thread, under a lock: a worker's dispatcher is there as long as one of its streams
// has a token.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "api/plugin/weir_plugin.h"
#include "source/base/breadcrumb.h"
#include "source/extensions/plugins/plugin_stream.h"

namespace weir::extensions::plugins {

class WorkerState final : public weir_worker {
 public:
  WorkerState(const weir_host_api& host, Catalogue& catalogue, const net::WorkerContext& worker);

  const net::WorkerContext& worker() const { return worker_; }

  weir_stream add(PluginStream& stream) {
    thread_.store(&base::breadcrumb(), std::memory_order_relaxed);
    if (free_slot_ == kNone) grow();
    const uint32_t number = free_slot_;
    Slot& slot = slots_[number];
    free_slot_ = std::exchange(slot.next_free, kNone);
    slot.stream = &stream;
    return {this, number, slot.generation};
  }
  // Of a stream that was added.
  void remove(weir_stream stream) {
    Slot& slot = slots_[stream.slot];
    slot.stream = nullptr;
    ++slot.generation;
    slot.next_free = std::exchange(free_slot_, stream.slot);
  }
  // Null, and counted, when the stream is gone or this is not its worker's thread.
  PluginStream* find(weir_stream stream);

  weir_token makeToken(PluginStream& stream, uint32_t direction, uint32_t serial);
  void endTokens(PluginStream& stream) {
    if (stream.firstToken() != kNone) endAllTokens(stream);
  }

  // --- any thread
  weir_result answer(weir_token token, std::unique_ptr<OwnedReply> reply);
  weir_result post(weir_token token, weir_verdict (*run)(void*, weir_stream, void*), void (*drop)(void*), void* data);
  weir_result drop(weir_token token);

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  struct Slot {
    PluginStream* stream = nullptr;
    uint32_t generation = 1;
    uint32_t next_free = kNone;
  };
  struct TokenSlot {
    weir_stream stream{};
    uint32_t direction = 0;
    uint32_t serial = 0;
    uint32_t generation = 1;
    uint32_t next = kNone;  // of the stream's tokens, or of the free ones
    bool live = false;
  };

  void grow();
  void endAllTokens(PluginStream& stream);
  // Null when it is stale. Under the lock.
  TokenSlot* findToken(weir_token token);
  void endToken(TokenSlot& slot);
  void countStale();

  Catalogue& catalogue_;
  const net::WorkerContext& worker_;
  std::atomic<const base::Breadcrumb*> thread_{};  // the worker's, known by its breadcrumb
  std::vector<Slot> slots_;
  uint32_t free_slot_ = kNone;
  std::mutex mutex_;  // guards all below
  std::vector<TokenSlot> tokens_;
  uint32_t free_token_ = kNone;
};

}  // namespace weir::extensions::plugins
