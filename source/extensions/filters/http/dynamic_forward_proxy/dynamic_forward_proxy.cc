#include "source/extensions/filters/http/dynamic_forward_proxy/dynamic_forward_proxy.h"

#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "envoy/extensions/filters/http/dynamic_forward_proxy/v3/dynamic_forward_proxy.pb.h"
#include "source/extensions/clusters/compile_demand.h"
#include "source/http/authority.h"
#include "source/http/head.h"

namespace weir::extensions::dynamic_forward_proxy {
namespace {

namespace api = envoy::extensions::filters::http::dynamic_forward_proxy::v3;

// Of a route: at most one of the two is given.
struct Rewrite final : filter::RouteFilterConfig {
  std::string literal;
  std::string header;  // lower case
};

class DynamicForwardProxyFilter final : public filter::HttpFilter {
 public:
  filter::Verdict onRequestHead(http::Head& head) override {
    const auto* const rewrite = static_cast<const Rewrite*>(host().routeConfig());
    if (rewrite != nullptr) apply(*rewrite, head);
    host().mutableInfo().upstream_target = host().arena().copyLower(head.authority);
    return filter::Verdict::next();
  }

 private:
  // The request is sent with the name that is looked up.
  void apply(const Rewrite& rewrite, http::Head& head) {
    std::string_view name = rewrite.literal;
    if (!rewrite.header.empty()) name = head.headers.get(rewrite.header).value_or(std::string_view());
    if (!name.empty()) head.authority = host().arena().copy(name);
  }
};

std::unique_ptr<filter::HttpFilterFactory> make(const google::protobuf::Message& message,
                                                const filter::FactoryContext& context) {
  const auto& config = static_cast<const api::FilterConfig&>(message);
  const base::FieldPath at = context.path.at("dns_cache_config");
  if (!config.has_dns_cache_config()) {
    context.diagnostics.error(at, "is missing; allowed: the cache of the cluster that the routes name");
    return nullptr;
  }
  // The cluster keeps the cache; this copy of its configuration must be a valid one all the same.
  if (!compileDnsCache(config.dns_cache_config(), context.diagnostics, at).has_value()) return nullptr;
  return filter::factoryOf<DynamicForwardProxyFilter>();
}

std::unique_ptr<filter::RouteFilterConfig> makeRouteConfig(const google::protobuf::Message& message,
                                                           const filter::FactoryContext& context) {
  const auto& config = static_cast<const api::PerRouteConfig&>(message);
  auto rewrite = std::make_unique<Rewrite>();
  rewrite->literal = config.host_rewrite_literal();
  rewrite->header = absl::AsciiStrToLower(config.host_rewrite_header());
  if (!rewrite->literal.empty() && !http::parseAuthority(rewrite->literal).has_value()) {
    context.diagnostics.error(context.path.at("host_rewrite_literal"),
                              absl::StrCat("\"", rewrite->literal, "\"; allowed: a host, with or without a port"));
    return nullptr;
  }
  return rewrite;
}

}  // namespace

filter::HttpFilterType dynamicForwardProxyType() {
  filter::HttpFilterType type;
  type.config_type = api::FilterConfig::descriptor()->full_name();
  type.route_config_type = api::PerRouteConfig::descriptor()->full_name();
  type.usual_name = "envoy.filters.http.dynamic_forward_proxy";
  type.make = make;
  type.make_route_config = makeRouteConfig;
  return type;
}

}  // namespace weir::extensions::dynamic_forward_proxy
