// PluginStream: one exchange or connection as one plugin filter sees it: the object that a weir_stream leads to. What
// HTTP and network filters have in common is here: the plugin's object, its hooks' frame, its timers. Made in an arena
// (of the exchange, or its own), which destroys it; one worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/plugin/weir_plugin.h"
#include "source/base/arena.h"
#include "source/base/breadcrumb.h"
#include "source/buffer/buffer.h"
#include "source/event/timer.h"
#include "source/extensions/plugins/fields.h"
#include "source/extensions/plugins/plugin.h"
#include "source/extensions/plugins/plugin_calls.h"
#include "source/net/worker_context.h"

namespace weir::extensions::plugins {

class WorkerState;

// An answer that outlives the call that gave it.
struct OwnedReply {
  uint16_t status = 500;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;

  // Null when something in it is not allowed.
  static std::unique_ptr<OwnedReply> copy(const weir_reply* reply);
};

class PluginStream {
 public:
  PluginStream(Plugin& plugin, const net::WorkerContext& worker, base::Arena& arena);
  PluginStream(const PluginStream&) = delete;
  PluginStream& operator=(const PluginStream&) = delete;

  // --- what the host functions ask for
  virtual FieldSet fields(weir_fields which) = 0;
  // Null when there is none now. `edit`: it will be changed.
  virtual buffer::Buffer* body(weir_body which, bool edit) = 0;
  virtual std::optional<std::string_view> attributeText(uint32_t id) = 0;
  virtual std::optional<uint64_t> attributeNumber(uint32_t id) = 0;
  virtual weir_result routeConfig(void*& out) = 0;
  virtual weir_result reply(std::unique_ptr<OwnedReply> reply) = 0;
  virtual weir_result resume(uint32_t direction) = 0;
  virtual weir_result reroute() = 0;
  virtual weir_result write(std::string_view bytes) = 0;
  // The number of the pause that a token taken now may end; none: nothing is or can be paused.
  virtual std::optional<uint32_t> pauseSerial(uint32_t direction) const = 0;
  // A token's answer has come: null resumes.
  virtual void settle(uint32_t direction, uint32_t serial, std::unique_ptr<OwnedReply> reply) = 0;

  weir_result httpCall(const weir_call& call, uint32_t& id);
  weir_result cancelCall(uint32_t id) { return calls_.cancel(id); }
  // One of them has ended: calls the hook.
  void onCallDone(uint32_t id, uint32_t outcome);
  // Moves the body away, where the views that the hook was given stay as they are, and gives back a copy of what
  // follows the first `bytes`.
  void drain(buffer::Buffer& body, size_t bytes);
  void noteViews() { views_given_ = true; }
  weir_result setTimer(uint32_t id, uint64_t after_ns);
  weir_result cancelTimer(uint32_t id);
  // Hooks may be called.
  bool live() const { return mode_ == Mode::kLive; }
  // Runs `run` with the plugin's object, as a hook of its own. Live streams only.
  void runPosted(weir_verdict (*run)(void*, weir_stream, void*), void* data);

  Plugin& plugin() const { return plugin_; }
  const Generation& generation() const { return *hold_->generation; }
  const net::WorkerContext& worker() const { return worker_; }
  base::Arena& arena() const { return arena_; }
  weir_stream handle() const { return handle_; }
  uint32_t& firstToken() { return first_token_; }
  // An argument or an answer that is not allowed.
  weir_result misuse();

 protected:
  ~PluginStream() = default;

  enum class Mode : uint8_t {
    kNew,     // start() was not called yet
    kLive,    // hooks are called
    kFailed,  // a hook failed: no more are called
    kBarred,  // the plugin is in quarantine: none are called
  };
  Mode mode() const { return mode_; }
  void* self() const { return self_; }

  // Makes the plugin's object, unless the plugin is in quarantine.
  template <typename Table>
  void start(const Table& table) {
    if (!mayStart()) return;
    void* memory = &small_;
    if (table.stream_size > sizeof(small_) || table.stream_align > alignof(Small)) {
      memory = arena_.allocate(table.stream_size, table.stream_align == 0 ? 1 : table.stream_align);
    }
    const base::BreadcrumbScope crumb(plugin_.name().c_str(), "its constructor");
    if (table.stream_new(memory, hold_->config, handle_) != WEIR_CONTINUE) return fail();
    self_ = memory;
    mode_ = Mode::kLive;
  }
  // Nothing of the plugin is called after this but the end of its object: tokens are stale, timers off.
  void close() {
    if (calls_.any() || timers_ != nullptr || first_token_ != UINT32_MAX) closeAll();
  }
  // Ends the plugin's object. Once, from the destructor.
  void finish(void (*stream_free)(void*));
  // A hook, as Hook(self, handle, arguments...). Views live until it returns.
  template <typename Hook, typename... Args>
  weir_verdict call(const char* name, Hook hook, Args... args) {
    const base::BreadcrumbScope crumb(plugin_.name().c_str(), name);
    const weir_verdict verdict = hook(self_, handle_, args...);
    if (views_given_) endViews();
    return verdict;
  }
  // From now on no hook is called; counts it.
  void fail();
  // What a timer, a call or a posted function answered.
  virtual void onCallback(weir_verdict verdict) = 0;
  virtual weir_verdict (*timerHook() const)(void*, weir_stream, uint32_t) = 0;
  virtual weir_verdict (*callHook() const)(void*, weir_stream, uint32_t, uint32_t) = 0;
  virtual filter::SideCaller& sideCaller() = 0;
  const PluginCalls& calls() const { return calls_; }
  const Hold& hold() const { return *hold_; }

 private:
  struct Timer;
  // Where the objects of most plugins fit; never written here.
  struct Small {
    Small() {}
    alignas(std::max_align_t) std::byte bytes[32];
  };

  bool mayStart();
  void closeAll();
  void endViews();
  void onTimer(uint32_t id);

  Plugin& plugin_;
  const net::WorkerContext& worker_;
  base::Arena& arena_;
  WorkerState& state_;
  Hold* hold_;
  weir_stream handle_{};
  void* self_ = nullptr;
  PluginCalls calls_{*this};
  Timer* timers_ = nullptr;
  uint32_t timer_count_ = 0;
  uint32_t first_token_ = UINT32_MAX;
  Mode mode_ = Mode::kNew;
  bool views_given_ = false;
  Small small_;
  std::unique_ptr<std::vector<buffer::Buffer>> kept_;  // what views of the running hook point into; most have none
};

}  // namespace weir::extensions::plugins
