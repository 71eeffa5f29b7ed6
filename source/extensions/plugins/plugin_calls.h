// PluginCalls: the requests of a plugin's own that one of its streams has in flight. A member of PluginStream; one
// worker. start() and cancel() are what http_call() and call_cancel() ask for; the end of each is told to the stream,
// later (law 4), which calls the plugin's hook call_done. After drop() nothing is told any more.
#pragma once

#include <cstdint>

#include "api/plugin/weir_plugin.h"
#include "source/buffer/buffer.h"
#include "source/extensions/plugins/fields.h"
#include "source/filter/side_call.h"

namespace weir::extensions::plugins {

class PluginStream;

class PluginCalls {
 public:
  explicit PluginCalls(PluginStream& stream) : stream_(stream) {}
  PluginCalls(const PluginCalls&) = delete;
  PluginCalls& operator=(const PluginCalls&) = delete;

  // WEIR_INVALID, which the caller counts, when something in it is not allowed.
  weir_result start(const weir_call& call, filter::SideCaller& caller, uint32_t& id);
  weir_result cancel(uint32_t id);
  void drop() {
    if (first_ != nullptr) dropAll();
  }
  // One was started.
  bool any() const { return first_ != nullptr; }
  // Of the response, while its hook runs; else not there.
  FieldSet head() const;
  buffer::Buffer* body() const;

 private:
  struct Active;
  void dropAll();
  void done(Active& active, uint32_t outcome);

  PluginStream& stream_;
  Active* first_ = nullptr;  // in the arena
  Active* done_ = nullptr;   // during the hook
  uint32_t last_ = 0;
};

}  // namespace weir::extensions::plugins
