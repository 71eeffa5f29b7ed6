#include "source/extensions/filters/http/cors/cors.h"

#include <array>
#include <type_traits>
#include <utility>

#include "envoy/config/core/v3/core.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "envoy/extensions/filters/http/cors/v3/cors.pb.h"
#include "source/extensions/matchers/compile_matchers.h"
#include "source/stats/stats.h"

namespace weir::extensions::cors {
namespace {

namespace api = envoy::extensions::filters::http::cors::v3;
using http::HeaderId;

struct Policy final : filter::RouteFilterConfig {
  std::vector<filter::StringMatcher> origins;
  std::string allow_methods;
  std::string allow_headers;
  std::string expose_headers;
  std::string max_age;
  std::optional<bool> allow_credentials;
  std::optional<bool> allow_private_network;
  std::optional<bool> forward_preflights;  // of other origins
  filter::Fraction enabled{100, 100};
  filter::Fraction shadow{0, 100};  // of the rest: counted only
};

struct Stats {
  stats::CounterId origin_valid;
  stats::CounterId origin_invalid;
};

class CorsFilter final : public filter::HttpFilter {
 public:
  CorsFilter(const Stats& stats, const net::WorkerContext& worker) : stats_(stats), worker_(worker) {}

  filter::Verdict onRequestHead(http::Head& head) override {
    const std::optional<std::string_view> origin = head.headers.get(HeaderId::kOrigin);
    if (!origin || origin->empty()) return filter::Verdict::next();
    levels_ = host().routeConfigs(policies_.data(), policies_.size());
    if (levels_ == 0) return filter::Verdict::next();
    const bool enabled = policy(0).enabled.hit(worker_.random);
    if (!enabled && !policy(0).shadow.hit(worker_.random)) return filter::Verdict::next();
    const bool valid = allowed(*origin);
    worker_.stats.add(valid ? stats_.origin_valid : stats_.origin_invalid);
    if (!enabled) return filter::Verdict::next();
    const bool asks = head.method == "OPTIONS" && head.headers.has(HeaderId::kAccessControlRequestMethod);
    if (!valid) {
      return asks && !flag(&Policy::forward_preflights, true) ? filter::Verdict::reply(newReply())
                                                              : filter::Verdict::next();
    }
    origin_ = *origin;
    return asks ? preflight(head) : filter::Verdict::next();
  }

  filter::Verdict onResponseHead(http::Head& head) override {
    if (origin_.empty() || head.isInterim()) return filter::Verdict::next();
    allow(head.headers);
    const std::string_view exposed = text(&Policy::expose_headers);
    if (!exposed.empty()) head.headers.set(HeaderId::kAccessControlExposeHeaders, exposed);
    return filter::Verdict::next();
  }

 private:
  // 0 is the most specific.
  const Policy& policy(size_t i) const { return static_cast<const Policy&>(*policies_[levels_ - 1 - i]); }

  std::string_view text(std::string Policy::*member) const {
    for (size_t i = 0; i < levels_; ++i) {
      if (!(policy(i).*member).empty()) return policy(i).*member;
    }
    return "";
  }
  bool flag(std::optional<bool> Policy::*member, bool otherwise = false) const {
    for (size_t i = 0; i < levels_; ++i) {
      if (policy(i).*member) return *(policy(i).*member);
    }
    return otherwise;
  }
  bool allowed(std::string_view origin) const {
    for (size_t i = 0; i < levels_; ++i) {
      if (policy(i).origins.empty()) continue;
      for (const filter::StringMatcher& matcher : policy(i).origins) {
        if (matcher.matches(origin)) return true;
      }
      return false;
    }
    return false;
  }

  void allow(http::HeaderMap& headers) const {
    headers.set(HeaderId::kAccessControlAllowOrigin, origin_);
    if (flag(&Policy::allow_credentials)) headers.set(HeaderId::kAccessControlAllowCredentials, "true");
  }

  // An answer that allows nothing.
  filter::LocalReply& newReply() {
    base::Arena& arena = host().arena();
    auto* const reply = arena.make<filter::LocalReply>();
    reply->reason = http::Reason::kCorsPreflight;
    reply->status = 200;
    reply->head = arena.make<http::Head>(arena);
    return *reply;
  }

  filter::Verdict preflight(const http::Head& request) {
    filter::LocalReply& reply = newReply();
    http::HeaderMap& headers = reply.head->headers;
    allow(headers);
    const auto add = [&headers](HeaderId id, std::string_view value) {
      if (!value.empty()) headers.set(id, value);
    };
    add(HeaderId::kAccessControlAllowMethods, text(&Policy::allow_methods));
    add(HeaderId::kAccessControlAllowHeaders, text(&Policy::allow_headers));
    add(HeaderId::kAccessControlMaxAge, text(&Policy::max_age));
    const bool asks_private = request.headers.get("access-control-request-private-network") == "true";
    if (asks_private && flag(&Policy::allow_private_network)) {
      headers.set("access-control-allow-private-network", "true");
    }
    return filter::Verdict::reply(reply);
  }

  const Stats& stats_;
  const net::WorkerContext& worker_;
  std::array<const filter::RouteFilterConfig*, 4> policies_{};  // weighted cluster, route, virtual host, route table
  size_t levels_ = 0;
  std::string_view origin_;  // allowed
};

// The two messages say the same under the same names, but for what the newer one has alone.
template <typename Message>
std::unique_ptr<filter::RouteFilterConfig> compile(const Message& message, const filter::FactoryContext& context) {
  const size_t errors = context.diagnostics.errors();
  auto policy = std::make_unique<Policy>();
  for (int i = 0; i < message.allow_origin_string_match_size(); ++i) {
    auto matcher = compileStringMatcher(message.allow_origin_string_match(i), context.diagnostics,
                                        context.path.at("allow_origin_string_match", static_cast<size_t>(i)));
    if (matcher) policy->origins.push_back(*std::move(matcher));
  }
  policy->allow_methods = message.allow_methods();
  policy->allow_headers = message.allow_headers();
  policy->expose_headers = message.expose_headers();
  policy->max_age = message.max_age();
  if (message.has_allow_credentials()) policy->allow_credentials = message.allow_credentials().value();
  if (message.has_allow_private_network_access()) {
    policy->allow_private_network = message.allow_private_network_access().value();
  }
  if (message.has_filter_enabled()) policy->enabled = compileFraction(message.filter_enabled());
  if (message.has_shadow_enabled()) policy->shadow = compileFraction(message.shadow_enabled());
  if constexpr (std::is_same_v<Message, api::CorsPolicy>) {
    if (message.has_forward_not_matching_preflights()) {
      policy->forward_preflights = message.forward_not_matching_preflights().value();
    }
  }
  if (context.diagnostics.errors() > errors) return nullptr;
  return policy;
}

std::unique_ptr<filter::RouteFilterConfig> makeRouteConfig(const google::protobuf::Message& message,
                                                           const filter::FactoryContext& context) {
  using Older = envoy::config::route::v3::CorsPolicy;
  if (message.GetDescriptor() == Older::descriptor()) return compile(static_cast<const Older&>(message), context);
  return compile(static_cast<const api::CorsPolicy&>(message), context);
}

}  // namespace

filter::HttpFilterType corsType() {
  filter::HttpFilterType type;
  type.config_type = api::Cors::descriptor()->full_name();
  type.route_config_type = api::CorsPolicy::descriptor()->full_name();
  type.usual_name = "envoy.filters.http.cors";
  type.make = [](const google::protobuf::Message&,
                 const filter::FactoryContext& context) -> std::unique_ptr<filter::HttpFilterFactory> {
    return filter::factoryOf<CorsFilter>(
        std::make_unique<Stats>(Stats{context.stats.counter({"http", context.stat_prefix, "cors.origin_valid"}),
                                      context.stats.counter({"http", context.stat_prefix, "cors.origin_invalid"})}));
  };
  type.make_route_config = makeRouteConfig;
  return type;
}

}  // namespace weir::extensions::cors
