// PluginFilter: one exchange of an HTTP filter plugin: between the chain, which calls hooks and takes verdicts, and the
// plugin, which is called through a table and calls back with a handle. In the arena of the exchange; one worker.
//
// Each direction is in one of four states: nothing there, in a hook, paused in a hook's part, or gone on. A part may be
// edited in the second and third. What a plugin does in the wrong state is refused and counted.
#pragma once

#include <array>

#include "source/extensions/filters/http/plugin/attributes.h"
#include "source/extensions/plugins/plugin_stream.h"
#include "source/filter/http_filter.h"
#include "source/filter/side_call.h"

namespace weir::extensions::plugin_filter {

class PluginFilter final : public filter::HttpFilter, public plugins::PluginStream {
 public:
  // The plugin outlives it. `max_body_bytes`: of a message that is asked for whole, where the route says nothing.
  PluginFilter(plugins::Plugin& plugin, const net::WorkerContext& worker, base::Arena& arena, size_t max_body_bytes);
  ~PluginFilter() override;

  // HttpFilter
  void setHost(filter::FilterHost& host) override;
  filter::Verdict onRequestHead(http::Head& head) override;
  filter::Verdict onRequestData(buffer::Buffer& data) override;
  filter::Verdict onRequestEnd(filter::End& end) override;
  filter::Verdict onRequest(filter::Message& message) override;
  filter::Verdict onResponseHead(http::Head& head) override;
  filter::Verdict onResponseData(buffer::Buffer& data) override;
  filter::Verdict onResponseEnd(filter::End& end) override;
  filter::Verdict onResponse(filter::Message& message) override;
  void onComplete(const filter::StreamInfo& info) override;

  // PluginStream
  plugins::FieldSet fields(weir_fields which) override;
  buffer::Buffer* body(weir_body which, bool edit) override;
  std::optional<std::string_view> attributeText(uint32_t id) override;
  std::optional<uint64_t> attributeNumber(uint32_t id) override;
  weir_result routeConfig(void*& out) override;
  weir_result reply(std::unique_ptr<plugins::OwnedReply> reply) override;
  weir_result resume(uint32_t direction) override;
  weir_result reroute() override;
  weir_result write(std::string_view bytes) override;
  std::optional<uint32_t> pauseSerial(uint32_t direction) const override;
  void settle(uint32_t direction, uint32_t serial, std::unique_ptr<plugins::OwnedReply> reply) override;

 private:
  using Hook = weir_verdict (*)(void*, weir_stream);
  static constexpr uint32_t kNowhere = UINT32_MAX;

  // A part of a message while it is here.
  struct Part {
    http::Head* head = nullptr;
    buffer::Buffer* data = nullptr;
    filter::End* end = nullptr;
  };
  struct Side {
    Part part;                   // while it may be edited
    http::Head* seen = nullptr;  // the head, to read later
    uint32_t serial = 0;         // of the last hook
    bool paused = false;
    bool edited = false;  // the body of a whole message was
  };

  const weir_http_filter& table() const { return table_; }
  // Runs a hook with that part in place.
  filter::Verdict run(uint32_t direction, Part part, const char* name, Hook hook);
  // The words of a part one by one: a copy of what was just written in smaller pieces costs more than the hook.
  filter::Verdict runHook(uint32_t direction, http::Head* head, buffer::Buffer* data, filter::End* end,
                          const char* name, Hook hook);
  filter::Verdict verdictOf(weir_verdict verdict, uint32_t direction);
  bool isBodiless(const http::Head& response) const;
  size_t wholeLimit(const http::Head& head) const;
  void endPause(uint32_t direction, filter::Verdict verdict);
  filter::Verdict failed();
  filter::Verdict replyFor(http::Reason reason);
  filter::LocalReply& localReply(const plugins::OwnedReply& reply);
  void fitLength(uint32_t direction, filter::Message& message);
  void onCallback(weir_verdict verdict) override;
  weir_verdict (*timerHook() const)(void*, weir_stream, uint32_t) override { return table().timer; }
  weir_verdict (*callHook() const)(void*, weir_stream, uint32_t, uint32_t) override { return table().call_done; }
  filter::SideCaller& sideCaller() override { return host().sideCaller(); }

  const weir_http_filter& table_;  // of the generation
  const size_t max_body_bytes_;
  std::array<Side, 2> sides_;
  uint32_t in_hook_ = kNowhere;  // the direction of the hook that runs
  filter::LocalReply* reply_ = nullptr;
  bool replied_ = false;
  AddressTexts* addresses_ = nullptr;  // in the arena, once one was asked for
};

}  // namespace weir::extensions::plugin_filter
