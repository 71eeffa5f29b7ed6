#include "source/extensions/filters/network/connection_limit/connection_limit.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "envoy/extensions/filters/network/connection_limit/v3/connection_limit.pb.h"
#include "source/event/timer.h"
#include "source/extensions/messages/duration.h"
#include "source/stats/stats.h"
#include "source/upstream/cluster.h"

namespace weir::extensions::connection_limit {
namespace {

namespace api = envoy::extensions::filters::network::connection_limit::v3;
using filter::NetworkVerdict;

struct Config {
  absl::Duration delay;
  stats::CounterId limited;
  stats::GaugeId active;
};

class ConnectionLimitFilter final : public filter::NetworkFilter, private event::TimerHandler {
 public:
  ConnectionLimitFilter(const Config& config, upstream::SharedLimit& limit, const net::WorkerContext& worker)
      : config_(config), limit_(limit), worker_(worker), timer_(worker.dispatcher, *this) {}
  // Also connections that are dropped without a word, when a worker ends.
  ~ConnectionLimitFilter() override { give(); }

  NetworkVerdict onOpen() override {
    if (limit_.tryTake() != upstream::SharedLimit::Take::kRefused) {
      counted_ = true;
      worker_.stats.gaugeAdd(config_.active, 1);
      return NetworkVerdict::kNext;
    }
    worker_.stats.add(config_.limited);
    if (config_.delay <= absl::ZeroDuration()) return NetworkVerdict::kClose;
    timer_.arm(config_.delay);
    return NetworkVerdict::kWait;
  }

  void onClose(net::CloseReason) override {
    timer_.cancel();
    give();
  }

 private:
  void give() {
    if (!std::exchange(counted_, false)) return;
    limit_.give();
    worker_.stats.gaugeAdd(config_.active, -1);
  }
  void onTimer(event::Timer&) override { host().resume(NetworkVerdict::kClose); }

  const Config& config_;
  upstream::SharedLimit& limit_;
  const net::WorkerContext& worker_;
  event::Timer timer_;
  bool counted_ = false;
};

class Factory final : public filter::NetworkFilterFactory {
 public:
  Factory(const Config& config, uint32_t limit)
      : config_(config), limit_(std::make_unique<upstream::SharedLimit>(limit)) {}
  std::unique_ptr<filter::NetworkFilter> create(const net::WorkerContext& worker) const override {
    return std::make_unique<ConnectionLimitFilter>(config_, *limit_, worker);
  }

 private:
  const Config config_;
  const std::unique_ptr<upstream::SharedLimit> limit_;
};

std::unique_ptr<filter::NetworkFilterFactory> make(const google::protobuf::Message& any,
                                                   const filter::FactoryContext& context) {
  const auto& message = static_cast<const api::ConnectionLimit&>(any);
  if (!message.has_max_connections()) {
    context.diagnostics.error(context.path.at("max_connections"), "not set; allowed: 1 or more");
    return nullptr;
  }
  const auto name = [&message](std::string_view metric) {
    return stats::Name{"connection_limit", message.stat_prefix(), metric};
  };
  const Config config{durationOf(message.delay()), context.stats.counter(name("limited_connections")),
                      context.stats.gauge(name("active_connections"))};
  // More than a process can have.
  const auto limit = static_cast<uint32_t>(std::min<uint64_t>(message.max_connections().value(), UINT32_MAX - 1));
  return std::make_unique<Factory>(config, limit);
}

}  // namespace

filter::NetworkFilterType connectionLimitType() {
  return {std::string(api::ConnectionLimit::descriptor()->full_name()), "envoy.filters.network.connection_limit", make};
}

}  // namespace weir::extensions::connection_limit
