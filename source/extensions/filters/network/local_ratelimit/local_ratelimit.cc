#include "source/extensions/filters/network/local_ratelimit/local_ratelimit.h"

#include <memory>
#include <string>

#include "envoy/extensions/filters/network/local_ratelimit/v3/local_ratelimit.pb.h"
#include "source/extensions/messages/duration.h"
#include "source/extensions/rate_limits/token_bucket.h"
#include "source/stats/stats.h"

namespace weir::extensions::network_local_ratelimit {
namespace {

namespace api = envoy::extensions::filters::network::local_ratelimit::v3;
using filter::NetworkVerdict;

class LocalRatelimitFilter final : public filter::NetworkFilter {
 public:
  LocalRatelimitFilter(TokenBucket& bucket, stats::CounterId limited, const net::WorkerContext& worker)
      : bucket_(bucket), limited_(limited), worker_(worker) {}

  NetworkVerdict onOpen() override {
    if (bucket_.take(worker_.dispatcher.now()).ok) return NetworkVerdict::kNext;
    worker_.stats.add(limited_);
    return NetworkVerdict::kClose;
  }

 private:
  TokenBucket& bucket_;
  const stats::CounterId limited_;
  const net::WorkerContext& worker_;
};

class Factory final : public filter::NetworkFilterFactory {
 public:
  Factory(std::unique_ptr<TokenBucket> bucket, stats::CounterId limited)
      : bucket_(std::move(bucket)), limited_(limited) {}
  std::unique_ptr<filter::NetworkFilter> create(const net::WorkerContext& worker) const override {
    return std::make_unique<LocalRatelimitFilter>(*bucket_, limited_, worker);
  }

 private:
  const std::unique_ptr<TokenBucket> bucket_;
  const stats::CounterId limited_;
};

std::unique_ptr<filter::NetworkFilterFactory> make(const google::protobuf::Message& any,
                                                   const filter::FactoryContext& context) {
  const auto& message = static_cast<const api::LocalRateLimit&>(any);
  const auto& form = message.token_bucket();
  const uint32_t per_fill = form.has_tokens_per_fill() ? form.tokens_per_fill().value() : 1;
  auto bucket = std::make_unique<TokenBucket>(form.max_tokens(), per_fill, durationOf(form.fill_interval()),
                                              context.clock.monotonic());
  return std::make_unique<Factory>(std::move(bucket),
                                   context.stats.counter({"local_rate_limit", message.stat_prefix(), "rate_limited"}));
}

}  // namespace

filter::NetworkFilterType localRatelimitType() {
  return {std::string(api::LocalRateLimit::descriptor()->full_name()), "envoy.filters.network.local_ratelimit", make};
}

}  // namespace weir::extensions::network_local_ratelimit
