#include "source/filter/timed_filter.h"

#include <array>
#include <optional>
#include <utility>

#include "source/filter/filter_times.h"

namespace weir::filter {
namespace {

// Of that name; one that an earlier chain of the exchange (before a redirect) has left is used on.
FilterTime& timeOf(std::string_view name, std::optional<stats::HistogramId> histogram, FilterHost& host) {
  FilterTime*& first = host.mutableInfo().filter_times;
  for (FilterTime* time = first; time != nullptr; time = time->next) {
    if (time->name == name) return *time;
  }
  first = host.arena().make<FilterTime>(FilterTime{name, histogram, absl::ZeroDuration(), first});
  return *first;
}

// Stands in front of the filter for the chain, and in front of the chain for the filter.
class TimedFilter final : public HttpFilter, private FilterHost {
 public:
  TimedFilter(std::string_view name, std::optional<stats::HistogramId> histogram)
      : name_(name), histogram_(histogram) {}

  // Right after it was made: the filter comes to stand behind it in the arena, and so ends before it.
  void setFilter(HttpFilter& filter) { filter_ = &filter; }

  void setHost(FilterHost& chain) override {
    HttpFilter::setHost(chain);
    time_ = &timeOf(name_, histogram_, chain);
    const Watch watch(*this);
    filter_->setHost(*this);
  }

  Verdict onRequestHead(http::Head& head) override {
    return timed(Direction::kRequest, [&] { return filter_->onRequestHead(head); });
  }
  Verdict onRequestData(buffer::Buffer& data) override {
    return timed(Direction::kRequest, [&] { return filter_->onRequestData(data); });
  }
  Verdict onRequestEnd(End& end) override {
    return timed(Direction::kRequest, [&] { return filter_->onRequestEnd(end); });
  }
  Verdict onRequest(Message& message) override {
    return timed(Direction::kRequest, [&] { return filter_->onRequest(message); });
  }
  Verdict onResponseHead(http::Head& head) override {
    return timed(Direction::kResponse, [&] { return filter_->onResponseHead(head); });
  }
  Verdict onResponseData(buffer::Buffer& data) override {
    return timed(Direction::kResponse, [&] { return filter_->onResponseData(data); });
  }
  Verdict onResponseEnd(End& end) override {
    return timed(Direction::kResponse, [&] { return filter_->onResponseEnd(end); });
  }
  Verdict onResponse(Message& message) override {
    return timed(Direction::kResponse, [&] { return filter_->onResponse(message); });
  }
  void onComplete(const StreamInfo& info) override {
    endWait(Direction::kRequest);
    endWait(Direction::kResponse);
    const Watch watch(*this);
    filter_->onComplete(info);
  }

 private:
  class Watch {
   public:
    explicit Watch(TimedFilter& filter) : filter_(filter), began_(filter.now()) {}
    ~Watch() { filter_.time_->spent += filter_.now() - began_; }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

   private:
    TimedFilter& filter_;
    const base::MonotonicTime began_;
  };

  // The dispatcher's own time stands still for a turn, which most hooks are shorter than.
  base::MonotonicTime now() { return chain().dispatcher().clock().monotonic(); }
  FilterHost& chain() const { return HttpFilter::host(); }
  std::optional<base::MonotonicTime>& waitingSince(Direction direction) {
    return waiting_since_[static_cast<size_t>(direction)];
  }

  template <typename Hook>
  Verdict timed(Direction direction, Hook&& hook) {
    // What it waited for was dropped, or it would not be asked again.
    endWait(direction);
    const Watch watch(*this);
    const Verdict verdict = hook();
    if (verdict.kind() == Verdict::Kind::kWait) waitingSince(direction) = now();
    return verdict;
  }

  void endWait(Direction direction) {
    if (const auto since = std::exchange(waitingSince(direction), std::nullopt)) time_->spent += now() - *since;
  }

  void answer(Direction direction, Verdict verdict) override {
    endWait(direction);
    chain().answer(direction, verdict);
  }
  const StreamInfo& info() const override { return chain().info(); }
  StreamInfo& mutableInfo() override { return chain().mutableInfo(); }
  base::Arena& arena() override { return chain().arena(); }
  event::Dispatcher& dispatcher() override { return chain().dispatcher(); }
  const RouteFilterConfig* routeConfig() const override { return chain().routeConfig(); }
  size_t routeConfigs(const RouteFilterConfig** out, size_t capacity) const override {
    return chain().routeConfigs(out, capacity);
  }
  SideCaller& sideCaller() override { return chain().sideCaller(); }
  void rerouteRequest() override { chain().rerouteRequest(); }

  const std::string_view name_;
  const std::optional<stats::HistogramId> histogram_;
  HttpFilter* filter_ = nullptr;
  FilterTime* time_ = nullptr;
  std::array<std::optional<base::MonotonicTime>, 2> waiting_since_;
};

class TimedFactory final : public HttpFilterFactory {
 public:
  TimedFactory(std::unique_ptr<HttpFilterFactory> factory, std::string name,
               std::optional<stats::HistogramId> histogram)
      : factory_(std::move(factory)), name_(std::move(name)), histogram_(histogram) {}

  HttpFilter* create(base::Arena& arena, const net::WorkerContext& worker) const override {
    auto* const filter = arena.make<TimedFilter>(name_, histogram_);
    filter->setFilter(*factory_->create(arena, worker));
    return filter;
  }
  HookMask hooks() const override {
    HookMask mask = factory_->hooks();
    mask.bits = static_cast<uint16_t>(mask.bits | HookMask::kComplete);
    return mask;
  }

 private:
  const std::unique_ptr<HttpFilterFactory> factory_;
  const std::string name_;
  const std::optional<stats::HistogramId> histogram_;
};

}  // namespace

std::unique_ptr<HttpFilterFactory> timedFactory(std::unique_ptr<HttpFilterFactory> factory, std::string name,
                                                std::optional<stats::HistogramId> histogram) {
  return std::make_unique<TimedFactory>(std::move(factory), std::move(name), histogram);
}

}  // namespace weir::filter
