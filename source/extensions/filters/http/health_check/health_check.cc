#include "source/extensions/filters/http/health_check/health_check.h"

#include <utility>

#include "envoy/extensions/filters/http/health_check/v3/health_check.pb.h"
#include "source/extensions/matchers/compile_matchers.h"

namespace weir::extensions::health_check {
namespace {

namespace api = envoy::extensions::filters::http::health_check::v3;

struct Config {
  std::vector<filter::HeaderMatcher> headers;
  bool pass_through = false;
};

class HealthCheckFilter final : public filter::HttpFilter {
 public:
  HealthCheckFilter(const Config& config, const net::WorkerContext& worker) : config_(config), worker_(worker) {}

  filter::Verdict onRequestHead(http::Head& head) override {
    if (!filter::matchesAll(config_.headers, head)) return filter::Verdict::next();
    host().mutableInfo().health_check = true;
    const bool draining = worker_.isDraining();
    if (config_.pass_through && !draining) return filter::Verdict::next();
    auto* const reply = host().arena().make<filter::LocalReply>();
    reply->reason = http::Reason::kHealthCheck;
    reply->status = draining ? 503 : 200;
    return filter::Verdict::reply(*reply);
  }

 private:
  const Config& config_;
  const net::WorkerContext& worker_;
};

std::unique_ptr<filter::HttpFilterFactory> make(const google::protobuf::Message& message,
                                                const filter::FactoryContext& context) {
  const auto& configured = static_cast<const api::HealthCheck&>(message);
  const size_t errors = context.diagnostics.errors();
  Config config;
  config.headers = compileHeaderMatchers(configured.headers(), context.diagnostics, context.path, "headers");
  config.pass_through = configured.pass_through_mode().value();
  if (context.diagnostics.errors() > errors) return nullptr;
  return filter::factoryOf<HealthCheckFilter>(std::make_unique<Config>(std::move(config)));
}

}  // namespace

filter::HttpFilterType healthCheckType() {
  filter::HttpFilterType type;
  type.config_type = api::HealthCheck::descriptor()->full_name();
  type.usual_name = "envoy.filters.http.health_check";
  type.make = make;
  return type;
}

}  // namespace weir::extensions::health_check
