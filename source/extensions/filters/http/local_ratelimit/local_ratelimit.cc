#include "source/extensions/filters/http/local_ratelimit/local_ratelimit.h"

#include <charconv>
#include <utility>

#include "envoy/config/core/v3/core.pb.h"
#include "envoy/extensions/filters/http/local_ratelimit/v3/local_ratelimit.pb.h"
#include "source/extensions/filters/http/local_ratelimit/token_bucket.h"
#include "source/extensions/matchers/compile_matchers.h"
#include "source/extensions/messages/duration.h"
#include "source/extensions/routes/header_edits.h"
#include "source/stats/stats.h"

namespace weir::extensions::local_ratelimit {
namespace {

namespace api = envoy::extensions::filters::http::local_ratelimit::v3;

struct Stats {
  stats::CounterId enabled;
  stats::CounterId ok;
  stats::CounterId rate_limited;
  stats::CounterId enforced;
};

struct Config final : filter::RouteFilterConfig {
  std::unique_ptr<TokenBucket> bucket;  // null: nothing is limited
  uint16_t status = 429;
  filter::Fraction enabled{0, 100};
  filter::Fraction enforced{0, 100};
  proxy::HeaderEdits response_edits;
  proxy::HeaderEdits request_edits_when_not_enforced;
  bool ratelimit_headers = false;
  Stats stats;
};

uint64_t wholeSeconds(absl::Duration duration) {
  return static_cast<uint64_t>(absl::ToInt64Seconds(absl::Ceil(duration, absl::Seconds(1))));
}

void setNumber(http::HeaderMap& headers, std::string_view name, uint64_t number) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof(digits), number).ptr;
  headers.set(name, std::string_view(digits, static_cast<size_t>(end - digits)));
}

class LocalRatelimitFilter final : public filter::HttpFilter {
 public:
  LocalRatelimitFilter(const Config& config, const net::WorkerContext& worker) : config_(&config), worker_(worker) {}

  filter::Verdict onRequestHead(http::Head& head) override {
    if (const auto* const route = static_cast<const Config*>(host().routeConfig())) config_ = route;
    if (config_->bucket == nullptr || !config_->enabled.hit(worker_.random)) return filter::Verdict::next();
    worker_.stats.add(config_->stats.enabled);
    taken_ = config_->bucket->take(worker_.dispatcher.now());
    asked_ = true;
    if (taken_.ok) {
      worker_.stats.add(config_->stats.ok);
      return filter::Verdict::next();
    }
    worker_.stats.add(config_->stats.rate_limited);
    if (!config_->enforced.hit(worker_.random)) {
      config_->request_edits_when_not_enforced.apply(head, host().info());
      return filter::Verdict::next();
    }
    worker_.stats.add(config_->stats.enforced);
    return refuse();
  }

  filter::Verdict onResponseHead(http::Head& head) override {
    if (asked_ && config_->ratelimit_headers && !head.isInterim()) addRatelimitHeaders(head.headers);
    return filter::Verdict::next();
  }

 private:
  filter::Verdict refuse() {
    base::Arena& arena = host().arena();
    auto* const reply = arena.make<filter::LocalReply>();
    reply->reason = http::Reason::kRateLimited;
    reply->status = config_->status;
    reply->body = "local_rate_limited";
    reply->head = arena.make<http::Head>(arena);
    reply->head->status = config_->status;
    setNumber(reply->head->headers, "retry-after", wholeSeconds(taken_.next_fill));
    // This filter does not see its own reply.
    if (config_->ratelimit_headers) addRatelimitHeaders(reply->head->headers);
    config_->response_edits.apply(*reply->head, host().info());
    return filter::Verdict::reply(*reply);
  }

  // https://datatracker.ietf.org/doc/html/draft-polli-ratelimit-headers-03, with the prefix that the API gives them.
  void addRatelimitHeaders(http::HeaderMap& headers) const {
    setNumber(headers, "x-ratelimit-limit", config_->bucket->maxTokens());
    setNumber(headers, "x-ratelimit-remaining", taken_.left);
    setNumber(headers, "x-ratelimit-reset", wholeSeconds(taken_.next_fill));
  }

  const Config* config_;
  const net::WorkerContext& worker_;
  TokenBucket::Taken taken_;
  bool asked_ = false;
};

class Factory final : public filter::HttpFilterFactory {
 public:
  explicit Factory(std::unique_ptr<const Config> config) : config_(std::move(config)) {}
  filter::HttpFilter* create(base::Arena& arena, const net::WorkerContext& worker) const override {
    return arena.make<LocalRatelimitFilter>(*config_, worker);
  }
  filter::HookMask hooks() const override { return filter::hooksOf<LocalRatelimitFilter>(); }

 private:
  std::unique_ptr<const Config> config_;
};

std::unique_ptr<Config> compile(const google::protobuf::Message& message, const filter::FactoryContext& context) {
  const auto& configured = static_cast<const api::LocalRateLimit&>(message);
  const size_t errors = context.diagnostics.errors();
  auto config = std::make_unique<Config>();
  if (configured.has_token_bucket()) {
    const auto& bucket = configured.token_bucket();
    const uint32_t per_fill = bucket.has_tokens_per_fill() ? bucket.tokens_per_fill().value() : 1;
    config->bucket = std::make_unique<TokenBucket>(bucket.max_tokens(), per_fill, durationOf(bucket.fill_interval()),
                                                   context.clock.monotonic());
  }
  // As the API has it: a status below 400 would not be a refusal.
  if (configured.status().code() >= 400) config->status = static_cast<uint16_t>(configured.status().code());
  if (configured.has_filter_enabled()) config->enabled = compileFraction(configured.filter_enabled());
  if (configured.has_filter_enforced()) config->enforced = compileFraction(configured.filter_enforced());
  const google::protobuf::RepeatedPtrField<std::string> none;
  config->response_edits = compileHeaderEdits(configured.response_headers_to_add(), "response_headers_to_add", none, "",
                                              context.diagnostics, context.path);
  config->request_edits_when_not_enforced =
      compileHeaderEdits(configured.request_headers_to_add_when_not_enforced(),
                         "request_headers_to_add_when_not_enforced", none, "", context.diagnostics, context.path);
  config->ratelimit_headers =
      configured.enable_x_ratelimit_headers() == envoy::extensions::common::ratelimit::v3::DRAFT_VERSION_03;
  const auto counter = [&](std::string_view name) {
    return context.stats.counter({"http_local_rate_limit", configured.stat_prefix(), name});
  };
  config->stats = {counter("enabled"), counter("ok"), counter("rate_limited"), counter("enforced")};
  if (context.diagnostics.errors() > errors) return nullptr;
  return config;
}

std::unique_ptr<filter::RouteFilterConfig> makeRouteConfig(const google::protobuf::Message& message,
                                                           const filter::FactoryContext& context) {
  if (!static_cast<const api::LocalRateLimit&>(message).has_token_bucket()) {
    context.diagnostics.error(context.path.at("token_bucket"),
                              "not set; a rate limit of a route needs a token bucket of its own");
    return nullptr;
  }
  return compile(message, context);
}

}  // namespace

filter::HttpFilterType localRatelimitType() {
  filter::HttpFilterType type;
  type.config_type = api::LocalRateLimit::descriptor()->full_name();
  type.route_config_type = type.config_type;
  type.usual_name = "envoy.filters.http.local_ratelimit";
  type.make = [](const google::protobuf::Message& message,
                 const filter::FactoryContext& context) -> std::unique_ptr<filter::HttpFilterFactory> {
    auto config = compile(message, context);
    if (config == nullptr) return nullptr;
    return std::make_unique<Factory>(std::move(config));
  };
  type.make_route_config = makeRouteConfig;
  return type;
}

}  // namespace weir::extensions::local_ratelimit
