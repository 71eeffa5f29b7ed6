#include "source/extensions/filters/http/csrf/csrf.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "envoy/config/core/v3/core.pb.h"
#include "envoy/extensions/filters/http/csrf/v3/csrf.pb.h"
#include "source/base/strings.h"
#include "source/extensions/matchers/compile_matchers.h"
#include "source/stats/stats.h"

namespace weir::extensions::csrf {
namespace {

using envoy::extensions::filters::http::csrf::v3::CsrfPolicy;

struct Config final : filter::RouteFilterConfig {
  filter::Fraction enabled{0, 100};
  filter::Fraction shadow{0, 100};
  std::vector<filter::StringMatcher> additional;
  stats::CounterId missing;
  stats::CounterId invalid;
  stats::CounterId valid;
};

bool changes(std::string_view method) {
  return method == "POST" || method == "PUT" || method == "DELETE" || method == "PATCH";
}

// "host:port" of "https://host:port/path"; empty when it is no URL.
std::string_view hostOf(std::string_view url) {
  constexpr std::string_view kMark = "://";
  const size_t mark = url.find(kMark);
  if (mark == std::string_view::npos) return {};
  const std::string_view rest = url.substr(mark + kMark.size());
  return rest.substr(0, rest.find_first_of("/?#"));
}

class CsrfFilter final : public filter::HttpFilter {
 public:
  CsrfFilter(const Config& config, const net::WorkerContext& worker) : config_(config), worker_(worker) {}

  filter::Verdict onRequestHead(http::Head& head) override {
    const auto* const route = static_cast<const Config*>(host().routeConfig());
    const Config& config = route != nullptr ? *route : config_;
    if (!changes(head.method)) return filter::Verdict::next();
    const bool enforced = config.enabled.hit(worker_.random);
    if (!enforced && !config.shadow.hit(worker_.random)) return filter::Verdict::next();
    if (fromOurPages(head, config) || !enforced) return filter::Verdict::next();
    auto* const reply = host().arena().make<filter::LocalReply>();
    reply->reason = http::Reason::kCsrf;
    reply->status = 403;
    reply->body = "Invalid origin";
    return filter::Verdict::reply(*reply);
  }

 private:
  bool fromOurPages(const http::Head& head, const Config& config) const {
    std::string_view source = hostOf(head.headers.get("origin").value_or(""));
    if (source.empty()) source = hostOf(head.headers.get("referer").value_or(""));
    if (source.empty()) worker_.stats.add(config.missing);
    const bool known = !source.empty() && (absl::EqualsIgnoreCase(base::av(source), base::av(head.authority)) ||
                                           std::any_of(config.additional.begin(), config.additional.end(),
                                                       [&](const auto& matcher) { return matcher.matches(source); }));
    if (!source.empty()) worker_.stats.add(known ? config.valid : config.invalid);
    return known;
  }

  const Config& config_;
  const net::WorkerContext& worker_;
};

std::unique_ptr<Config> compile(const google::protobuf::Message& any, const filter::FactoryContext& context) {
  const auto& message = static_cast<const CsrfPolicy&>(any);
  const size_t errors = context.diagnostics.errors();
  auto config = std::make_unique<Config>();
  config->enabled = compileFraction(message.filter_enabled());
  if (message.has_shadow_enabled()) config->shadow = compileFraction(message.shadow_enabled());
  for (int i = 0; i < message.additional_origins_size(); ++i) {
    auto one = compileStringMatcher(message.additional_origins(i), context.diagnostics,
                                    context.path.at("additional_origins", static_cast<size_t>(i)));
    if (one) config->additional.push_back(*std::move(one));
  }
  const auto counter = [&](std::string_view name) {
    return context.stats.counter({"http", context.stat_prefix, absl::StrCat("csrf.", std::string(name))});
  };
  config->missing = counter("missing_source_origin");
  config->invalid = counter("request_invalid");
  config->valid = counter("request_valid");
  if (context.diagnostics.errors() != errors) return nullptr;
  return config;
}

}  // namespace

filter::HttpFilterType csrfType() {
  filter::HttpFilterType type;
  type.config_type = CsrfPolicy::descriptor()->full_name();
  type.route_config_type = type.config_type;
  type.usual_name = "envoy.filters.http.csrf";
  type.make = [](const google::protobuf::Message& message,
                 const filter::FactoryContext& context) -> std::unique_ptr<filter::HttpFilterFactory> {
    auto config = compile(message, context);
    if (config == nullptr) return nullptr;
    return filter::factoryOf<CsrfFilter>(std::move(config));
  };
  type.make_route_config = [](const google::protobuf::Message& message,
                              const filter::FactoryContext& context) -> std::unique_ptr<filter::RouteFilterConfig> {
    return compile(message, context);
  };
  return type;
}

}  // namespace weir::extensions::csrf
