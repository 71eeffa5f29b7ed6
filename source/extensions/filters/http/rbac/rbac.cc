#include "source/extensions/filters/http/rbac/rbac.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "envoy/extensions/filters/http/rbac/v3/rbac.pb.h"
#include "source/extensions/rbac/compile_rules.h"

namespace weir::extensions::http_rbac {
namespace {

namespace api = envoy::extensions::filters::http::rbac::v3;

struct Config final : filter::RouteFilterConfig {
  std::unique_ptr<const rbac::Rules> rules;  // null: nothing is enforced
  std::unique_ptr<const rbac::Rules> shadow;
};

class RbacFilter final : public filter::HttpFilter {
 public:
  RbacFilter(const Config& config, const net::WorkerContext& worker) : config_(config), worker_(worker) {}

  filter::Verdict onRequestHead(http::Head& head) override {
    const auto* const route = static_cast<const Config*>(host().routeConfig());
    const Config& config = route != nullptr ? *route : config_;
    const filter::StreamInfo& info = host().info();
    const rbac::Subject subject{&head,
                                info.downstream_local,
                                info.downstream_direct_remote,
                                info.downstream_remote,
                                info.downstream_transport,
                                info.dynamic_metadata,
                                info.route == nullptr ? nullptr : info.route->metadata()};
    if (config.shadow != nullptr) config.shadow->check(subject, worker_.stats);
    if (config.rules == nullptr || config.rules->check(subject, worker_.stats)) return filter::Verdict::next();
    auto* const reply = host().arena().make<filter::LocalReply>();
    reply->reason = http::Reason::kRbacDenied;
    reply->status = 403;
    reply->body = "RBAC: access denied";
    return filter::Verdict::reply(*reply);
  }

 private:
  const Config& config_;
  const net::WorkerContext& worker_;
};

std::unique_ptr<Config> compile(const api::RBAC& message, const filter::FactoryContext& context,
                                const base::FieldPath& path) {
  const size_t errors = context.diagnostics.errors();
  auto config = std::make_unique<Config>();
  rbac::RulesContext rules{context.stats,
                           context.diagnostics,
                           "http",
                           std::string(context.stat_prefix),
                           message.rules_stat_prefix(),
                           message.track_per_rule_stats(),
                           false};
  config->rules = rbac::compileEnforced(message, rules, path);
  rules.prefix = absl::StrCat(message.shadow_rules_stat_prefix(), "shadow_");
  config->shadow = rbac::compileShadow(message, rules, path);
  if (context.diagnostics.errors() != errors) return nullptr;
  return config;
}

}  // namespace

filter::HttpFilterType rbacType() {
  filter::HttpFilterType type;
  type.config_type = api::RBAC::descriptor()->full_name();
  type.route_config_type = api::RBACPerRoute::descriptor()->full_name();
  type.usual_name = "envoy.filters.http.rbac";
  type.make = [](const google::protobuf::Message& message,
                 const filter::FactoryContext& context) -> std::unique_ptr<filter::HttpFilterFactory> {
    auto config = compile(static_cast<const api::RBAC&>(message), context, context.path);
    if (config == nullptr) return nullptr;
    return filter::factoryOf<RbacFilter>(std::move(config));
  };
  type.make_route_config = [](const google::protobuf::Message& message,
                              const filter::FactoryContext& context) -> std::unique_ptr<filter::RouteFilterConfig> {
    return compile(static_cast<const api::RBACPerRoute&>(message).rbac(), context, context.path.at("rbac"));
  };
  return type;
}

}  // namespace weir::extensions::http_rbac
