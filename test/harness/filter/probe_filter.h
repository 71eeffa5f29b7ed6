// ProbeFilter: a filter that writes down every call, checks that calls come in the order that filters are promised, and
// does what the test says, hook by hook. Probe: its script, made
// by the test, which it outlives; one script may serve many exchanges.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "source/event/timer.h"
#include "source/filter/http_filter.h"
#include "source/filter/http_filter_factory.h"

namespace weir::harness {

class ProbeFilter;

struct Probe {
  using Log = std::vector<std::string>;
  std::string name;
  Log* log = nullptr;
  // By HookMask::kX; what is not here answers Next.
  std::map<uint16_t, std::function<filter::Verdict(ProbeFilter&)>> on = {};
  uint16_t hooks = 0x1ff;

  // Answers Wait, and after a millisecond `then`.
  void waitAt(uint16_t hook, filter::Verdict then = filter::Verdict::next());
  // Answers Wait at every hook, and Next after a millisecond.
  void waitEverywhere();
  void collectAt(uint16_t hook, size_t max_bytes);
  // Answers with `body` as 403.
  void replyAt(uint16_t hook, std::string_view body);
};

class ProbeFilter final : public filter::HttpFilter, private event::TimerHandler {
 public:
  ProbeFilter(const Probe& probe, event::Dispatcher& dispatcher);
  ~ProbeFilter() override;

  filter::Verdict onRequestHead(http::Head& head) override;
  filter::Verdict onRequestData(buffer::Buffer& data) override;
  filter::Verdict onRequestEnd(filter::End& end) override;
  filter::Verdict onRequest(filter::Message& message) override;
  filter::Verdict onResponseHead(http::Head& head) override;
  filter::Verdict onResponseData(buffer::Buffer& data) override;
  filter::Verdict onResponseEnd(filter::End& end) override;
  filter::Verdict onResponse(filter::Message& message) override;
  void onComplete(const filter::StreamInfo&) override;

  // Waits, and answers after that time.
  filter::Verdict later(filter::Direction direction, absl::Duration after, filter::Verdict then);
  filter::Verdict replyWith(std::string_view body);
  using HttpFilter::host;
  // What the hook that runs was given.
  http::Head* head = nullptr;
  filter::Message* message = nullptr;

 private:
  struct Answer {
    std::unique_ptr<event::Timer> timer;
    filter::Verdict verdict = filter::Verdict::next();
  };
  // Where a message stands, as far as this filter was shown.
  enum class Shown { kNothing, kHead, kCollecting, kEnd };
  Shown& shown(filter::Direction direction) { return shown_[static_cast<size_t>(direction)]; }
  void checkOrder(uint16_t hook, const http::Head* shown_head);
  void noteVerdict(uint16_t hook, const filter::Verdict& verdict);
  filter::Verdict note(uint16_t hook, const std::string& call, const http::Head* shown_head = nullptr);
  void onTimer(event::Timer& timer) override;

  const Probe& probe_;
  event::Dispatcher& dispatcher_;
  Answer answers_[2];
  Shown shown_[2] = {Shown::kNothing, Shown::kNothing};
  bool interim_ = false;  // the last head was
  uint16_t waited_[2] = {0, 0};
  bool inside_ = false;
  bool completed_ = false;
};

class ProbeFactory final : public filter::HttpFilterFactory {
 public:
  explicit ProbeFactory(const Probe& probe) : probe_(probe) {}
  filter::HttpFilter* create(base::Arena& arena, const net::WorkerContext& worker) const override {
    return arena.make<ProbeFilter>(probe_, worker.dispatcher);
  }
  filter::HookMask hooks() const override { return {probe_.hooks}; }

 private:
  const Probe& probe_;
};

}  // namespace weir::harness
