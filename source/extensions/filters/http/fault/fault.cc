#include "source/extensions/filters/http/fault/fault.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "absl/strings/str_cat.h"
#include "envoy/extensions/filters/http/fault/v3/fault.pb.h"
#include "source/event/timer.h"
#include "source/extensions/matchers/compile_matchers.h"
#include "source/extensions/messages/duration.h"
#include "source/stats/stats.h"

namespace weir::extensions::fault {
namespace {

namespace api = envoy::extensions::filters::http::fault::v3;

struct Stats {
  stats::CounterId delays_injected;
  stats::CounterId aborts_injected;
  stats::CounterId response_rl_injected;
  stats::CounterId faults_overflow;
  stats::GaugeId active_faults;
};

struct Config final : filter::RouteFilterConfig {
  absl::Duration delay = absl::ZeroDuration();
  filter::Fraction delayed{0, 100};
  uint16_t abort_status = 0;
  std::optional<uint32_t> abort_grpc_status;  // of requests of gRPC
  filter::Fraction aborted{0, 100};
  double bytes_per_second = 0;  // of bodies of responses; 0: as fast as they come
  filter::Fraction slowed{0, 100};
  std::string cluster;  // empty: any
  std::vector<filter::HeaderMatcher> headers;
  std::optional<uint32_t> max_active;
  Stats stats;
  // Over all workers, and only where there is a maximum.
  mutable std::atomic<uint32_t> active{0};
};

class FaultFilter final : public filter::HttpFilter, private event::TimerHandler {
 public:
  FaultFilter(const Config& config, const net::WorkerContext& worker)
      : config_(&config), worker_(worker), timer_(worker.dispatcher, *this) {}

  filter::Verdict onRequestHead(http::Head& head) override {
    if (const auto* const route = static_cast<const Config*>(host().routeConfig())) config_ = route;
    if (!matches(head)) return filter::Verdict::next();
    if (config_->bytes_per_second > 0 && config_->slowed.hit(worker_.random) && begin()) {
      slow_ = true;
      worker_.stats.add(config_->stats.response_rl_injected);
    }
    if (config_->delay > absl::ZeroDuration() && config_->delayed.hit(worker_.random) && begin()) {
      worker_.stats.add(config_->stats.delays_injected);
      timer_.arm(config_->delay);
      return filter::Verdict::wait();
    }
    return abortOrGoOn();
  }

  // Each piece goes when as many bytes could have come at the rate.
  filter::Verdict onResponseData(buffer::Buffer& data) override {
    if (!slow_) return filter::Verdict::next();
    const base::MonotonicTime now = worker_.dispatcher.now();
    free_ = std::max(free_, now) + absl::Seconds(static_cast<double>(data.size()) / config_->bytes_per_second);
    responding_ = true;
    timer_.arm(free_ - now);
    return filter::Verdict::wait();
  }

  void onComplete(const filter::StreamInfo&) override {
    timer_.cancel();
    end();
  }

 private:
  bool matches(const http::Head& head) const {
    if (!config_->cluster.empty()) {
      const filter::RouteInfo* const route = host().info().route;
      if (route == nullptr || route->clusterName() != config_->cluster) return false;
    }
    return filter::matchesAll(config_->headers, head);
  }

  // A fault begins, unless too many are active. Delay and abort of one request are one fault.
  bool begin() {
    if (active_) return true;
    if (config_->max_active && config_->active.fetch_add(1, std::memory_order_relaxed) >= *config_->max_active) {
      config_->active.fetch_sub(1, std::memory_order_relaxed);
      worker_.stats.add(config_->stats.faults_overflow);
      return false;
    }
    active_ = true;
    worker_.stats.gaugeAdd(config_->stats.active_faults, 1);
    return true;
  }

  void end() {
    if (!std::exchange(active_, false)) return;
    if (config_->max_active) config_->active.fetch_sub(1, std::memory_order_relaxed);
    worker_.stats.gaugeAdd(config_->stats.active_faults, -1);
  }

  filter::Verdict abortOrGoOn() {
    if (config_->abort_status == 0 || !config_->aborted.hit(worker_.random) || !begin()) {
      if (!slow_) end();
      return filter::Verdict::next();
    }
    slow_ = false;
    worker_.stats.add(config_->stats.aborts_injected);
    auto* const reply = host().arena().make<filter::LocalReply>();
    reply->reason = http::Reason::kFaultAbort;
    reply->status = config_->abort_status;
    reply->body = "fault filter abort";
    if (config_->abort_grpc_status) {
      reply->head = host().arena().make<http::Head>(host().arena());
      reply->head->headers.add("grpc-status", absl::StrCat(*config_->abort_grpc_status));
    }
    return filter::Verdict::reply(*reply);
  }

  void onTimer(event::Timer&) override {
    if (responding_) return host().answer(filter::Direction::kResponse, filter::Verdict::next());
    host().answer(filter::Direction::kRequest, abortOrGoOn());
  }

  const Config* config_;
  const net::WorkerContext& worker_;
  event::Timer timer_;  // of the delay, then of the response
  bool active_ = false;
  bool slow_ = false;
  bool responding_ = false;
  base::MonotonicTime free_;  // what went before has gone by then
};

// What is no gRPC is answered with the status of HTTP that gRPC itself is sent with.
void compileAbort(const api::FaultAbort& message, Config& config) {
  if (message.error_type_case() == api::FaultAbort::kGrpcStatus) {
    config.abort_status = 200;
    config.abort_grpc_status = message.grpc_status();
  } else {
    config.abort_status = static_cast<uint16_t>(message.http_status());
  }
}

std::unique_ptr<Config> compile(const google::protobuf::Message& message, const filter::FactoryContext& context) {
  const auto& configured = static_cast<const api::HTTPFault&>(message);
  const size_t errors = context.diagnostics.errors();
  auto config = std::make_unique<Config>();
  if (configured.has_delay()) {
    config->delay = durationOf(configured.delay().fixed_delay());
    config->delayed = compileFraction(configured.delay().percentage());
  }
  if (configured.has_abort()) {
    compileAbort(configured.abort(), *config);
    config->aborted = compileFraction(configured.abort().percentage());
  }
  if (configured.has_response_rate_limit()) {
    const auto& limit = configured.response_rate_limit();
    config->bytes_per_second = 1024.0 * static_cast<double>(limit.fixed_limit().limit_kbps());
    config->slowed = compileFraction(limit.percentage());
  }
  config->cluster = configured.upstream_cluster();
  config->headers = compileHeaderMatchers(configured.headers(), context.diagnostics, context.path, "headers");
  if (configured.has_max_active_faults()) config->max_active = configured.max_active_faults().value();
  config->stats.delays_injected = context.stats.counter({"http", context.stat_prefix, "fault.delays_injected"});
  config->stats.aborts_injected = context.stats.counter({"http", context.stat_prefix, "fault.aborts_injected"});
  config->stats.response_rl_injected =
      context.stats.counter({"http", context.stat_prefix, "fault.response_rl_injected"});
  config->stats.faults_overflow = context.stats.counter({"http", context.stat_prefix, "fault.faults_overflow"});
  config->stats.active_faults = context.stats.gauge({"http", context.stat_prefix, "fault.active_faults"});
  if (context.diagnostics.errors() > errors) return nullptr;
  return config;
}

}  // namespace

filter::HttpFilterType faultType() {
  filter::HttpFilterType type;
  type.config_type = api::HTTPFault::descriptor()->full_name();
  type.route_config_type = type.config_type;
  type.usual_name = "envoy.filters.http.fault";
  type.make = [](const google::protobuf::Message& message,
                 const filter::FactoryContext& context) -> std::unique_ptr<filter::HttpFilterFactory> {
    auto config = compile(message, context);
    if (config == nullptr) return nullptr;
    return filter::factoryOf<FaultFilter>(std::move(config));
  };
  type.make_route_config = compile;
  return type;
}

}  // namespace weir::extensions::fault
