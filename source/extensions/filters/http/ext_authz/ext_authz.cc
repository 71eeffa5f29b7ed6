#include "source/extensions/filters/http/ext_authz/ext_authz.h"

#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "envoy/config/core/v3/core.pb.h"
#include "envoy/extensions/filters/http/ext_authz/v3/ext_authz.pb.h"
#include "envoy/type/matcher/v3/matcher.pb.h"
#include "source/event/timer.h"
#include "source/extensions/filters/http/ext_authz/check.h"
#include "source/extensions/matchers/compile_matchers.h"
#include "source/extensions/messages/call_retries.h"
#include "source/extensions/messages/duration.h"
#include "source/stats/stats.h"

namespace weir::extensions::ext_authz {
namespace {

namespace api = envoy::extensions::filters::http::ext_authz::v3;
namespace core = envoy::config::core::v3;

// The API's own default.
constexpr absl::Duration kDefaultTimeout = absl::Milliseconds(200);

struct Buffering {
  size_t max_bytes = 0;
  bool partial = false;
};

struct Stats {
  stats::CounterId ok;
  stats::CounterId denied;
  stats::CounterId error;
  stats::CounterId disabled;
  stats::CounterId failure_mode_allowed;
  stats::CounterId retry;
};

struct Config {
  Service service;
  CallRetries retries;
  filter::Fraction enabled{100, 100};
  bool failure_mode_allow = false;
  bool failure_mode_header = false;
  bool clear_route_cache = false;
  uint16_t status_on_error = 403;
  std::optional<Buffering> buffering;
  Stats stats;
};

struct RouteConfig final : filter::RouteFilterConfig {
  bool disabled = false;
  Extensions extensions;
  bool no_buffering = false;
  std::optional<Buffering> buffering;
};

class ExtAuthzFilter final : public filter::HttpFilter, private filter::SideCallReceiver, private event::TimerHandler {
 public:
  ExtAuthzFilter(const Config& config, const net::WorkerContext& worker)
      : config_(config), worker_(worker), retry_(worker.dispatcher, *this) {}

  filter::Verdict onRequestHead(http::Head& head) override {
    head_ = &head;
    const auto* const route = static_cast<const RouteConfig*>(host().routeConfig());
    if ((route != nullptr && route->disabled) || !config_.enabled.hit(worker_.random)) {
      worker_.stats.add(config_.stats.disabled);
      return filter::Verdict::next();
    }
    std::optional<Buffering> buffering = config_.buffering;
    if (route != nullptr && route->buffering) buffering = route->buffering;
    if (route != nullptr && route->no_buffering) buffering.reset();
    // A tunnel has no end that one could wait for.
    const bool tunnel = !head.upgrade.empty() || head.isConnect();
    if (!buffering || tunnel) return ask(std::nullopt);
    max_bytes_ = buffering->max_bytes;
    return buffering->partial ? filter::Verdict::collectUpTo(max_bytes_) : filter::Verdict::collect(max_bytes_);
  }

  filter::Verdict onRequest(filter::Message& message) override {
    base::Arena& arena = host().arena();
    const size_t shown = std::min(message.body.size(), max_bytes_);
    char* const bytes = arena.allocateChars(shown);
    message.body.copyOut(0, {bytes, shown});
    return ask(Body{std::string_view(bytes, shown), !message.whole || shown < message.body.size()});
  }

  filter::Verdict onResponseHead(http::Head& head) override {
    if (decision_ == nullptr || head.isInterim()) return filter::Verdict::next();
    for (const http::Field& field : decision_->client) head.headers.add(field.name, field.value);
    return filter::Verdict::next();
  }

  void onComplete(const filter::StreamInfo&) override {
    ticket_.cancel();
    retry_.cancel();
  }

 private:
  filter::Verdict ask(const std::optional<Body>& body) {
    body_ = body;
    deadline_ = worker_.dispatcher.now() + config_.service.timeout;
    call();
    return filter::Verdict::wait();
  }

  void call() {
    const absl::Duration left = deadline_ - worker_.dispatcher.now();
    if (left <= absl::ZeroDuration()) return onError();  // a busy worker's timer came too late
    filter::SideRequest request =
        makeCheck(config_.service, *head_, host().info(), body_, extensions(), worker_.blocks);
    if (retries_ > 0) request.timeout = left;
    ticket_ = host().sideCaller().call(std::move(request), *this);
  }

  // All tries together have the time of one.
  bool retried() {
    if (retries_ >= config_.retries.count) return false;
    const absl::Duration wait = config_.retries.wait(retries_, worker_.random);
    if (worker_.dispatcher.now() + wait >= deadline_) return false;
    ++retries_;
    worker_.stats.add(config_.stats.retry);
    retry_.arm(wait);
    return true;
  }

  void onTimer(event::Timer&) override { call(); }

  // Of all levels of the route; the more specific ones win.
  Extensions extensions() const {
    constexpr size_t kLevels = 4;
    const filter::RouteFilterConfig* levels[kLevels] = {};
    const size_t count = host().routeConfigs(levels, kLevels);
    Extensions all;
    for (size_t i = 0; i < count; ++i) {
      for (const auto& [key, value] : static_cast<const RouteConfig*>(levels[i])->extensions) all[key] = value;
    }
    return all;
  }

  void onSideResponse(filter::SideResponse& response) override {
    if (config_.retries.wantedAfter(response.head.status) && retried()) return;
    auto* const decision = host().arena().make<Decision>(readAnswer(config_.service, response, host().arena()));
    switch (decision->kind) {
      case Decision::Kind::kAllow:
        worker_.stats.add(config_.stats.ok);
        return allow(*decision);
      case Decision::Kind::kDeny:
        worker_.stats.add(config_.stats.denied);
        return deny(*decision);
      case Decision::Kind::kError:
        return onError();
    }
  }

  void onSideFailed(http::Reason reason) override {
    if (config_.retries.wantedAfter(reason) && retried()) return;
    onError();
  }

  void allow(const Decision& decision) {
    http::HeaderMap& headers = head_->headers;
    for (const http::Field& field : decision.request_remove) headers.remove(field.name);
    for (const http::Field& field : decision.request_set) headers.set(field.name, field.value);
    for (const http::Field& field : decision.request_append) headers.add(field.name, field.value);
    if (!decision.client.empty()) decision_ = &decision;
    const bool changed =
        !decision.request_remove.empty() || !decision.request_set.empty() || !decision.request_append.empty();
    if (config_.clear_route_cache && changed) host().rerouteRequest();
    host().answer(filter::Direction::kRequest, filter::Verdict::next());
  }

  void deny(const Decision& decision) {
    auto* const head = host().arena().make<http::Head>(host().arena());
    head->status = decision.status;
    for (const http::Field& field : decision.client) head->headers.add(field.name, field.value);
    reply(http::Reason::kAuthzDenied, decision.status, decision.body, head);
  }

  void onError() {
    worker_.stats.add(config_.stats.error);
    if (!config_.failure_mode_allow) return reply(http::Reason::kAuthzError, config_.status_on_error, "", nullptr);
    worker_.stats.add(config_.stats.failure_mode_allowed);
    if (config_.failure_mode_header) head_->headers.set("x-envoy-auth-failure-mode-allowed", "true");
    host().answer(filter::Direction::kRequest, filter::Verdict::next());
  }

  void reply(http::Reason reason, uint16_t status, std::string_view body, http::Head* head) {
    auto* const reply = host().arena().make<filter::LocalReply>();
    reply->reason = reason;
    reply->status = status;
    reply->body = body;
    reply->head = head;
    host().answer(filter::Direction::kRequest, filter::Verdict::reply(*reply));
  }

  const Config& config_;
  const net::WorkerContext& worker_;
  base::Ticket ticket_;
  event::Timer retry_;
  std::optional<Body> body_;
  base::MonotonicTime deadline_;
  uint32_t retries_ = 0;
  http::Head* head_ = nullptr;
  size_t max_bytes_ = 0;
  const Decision* decision_ = nullptr;  // that has something for the response
};

class Compiler {
 public:
  Compiler(const filter::FactoryContext& context, Config& config) : context_(context), config_(config) {}

  void run(const api::ExtAuthz& message) {
    switch (message.services_case()) {
      case api::ExtAuthz::kHttpService:
        http(message.http_service(), context_.path.at("http_service"));
        break;
      case api::ExtAuthz::kGrpcService:
        grpc(message.grpc_service(), context_.path.at("grpc_service"));
        break;
      case api::ExtAuthz::SERVICES_NOT_SET:
        return context_.diagnostics.error(context_.path, "no service is given; allowed: grpc_service, http_service");
    }
    if (message.transport_api_version() == core::V2) {
      context_.diagnostics.error(context_.path.at("transport_api_version"), "V2; allowed: V3");
    }
    Service& service = config_.service;
    if (message.has_allowed_headers()) {
      service.allowed_headers = matchers(message.allowed_headers(), context_.path.at("allowed_headers"));
    }
    service.disallowed_headers = matchers(message.disallowed_headers(), context_.path.at("disallowed_headers"));
    service.tls_session = message.include_tls_session();
    service.peer_certificate = message.include_peer_certificate();
    config_.failure_mode_allow = message.failure_mode_allow();
    config_.failure_mode_header = message.failure_mode_allow_header_add();
    config_.clear_route_cache = message.clear_route_cache();
    if (message.has_status_on_error()) {
      config_.status_on_error = static_cast<uint16_t>(message.status_on_error().code());
    }
    if (message.has_filter_enabled()) config_.enabled = compileFraction(message.filter_enabled());
    if (message.has_with_request_body()) {
      config_.buffering = buffering(message.with_request_body());
      service.pack_as_bytes = message.with_request_body().pack_as_bytes();
    }
    counters(message.stat_prefix());
  }

  static Buffering buffering(const api::BufferSettings& message) {
    return {message.max_request_bytes(), message.allow_partial_message()};
  }

 private:
  void counters(const std::string& stat_prefix) {
    const auto counter = [&](std::string_view name) {
      const std::string middle = stat_prefix.empty() ? "" : stat_prefix + ".";
      return context_.stats.counter(
          {"http", context_.stat_prefix, absl::StrCat("ext_authz.", middle, std::string(name))});
    };
    config_.stats = {
        counter("ok"),   counter("denied"), counter("error"), counter("disabled"), counter("failure_mode_allowed"),
        counter("retry")};
  }

  void cluster(const std::string& name, const base::FieldPath& path) {
    config_.service.cluster = name;
    const std::string problem = context_.cluster_problem == nullptr ? "" : (*context_.cluster_problem)(name);
    if (!problem.empty()) context_.diagnostics.error(path, problem);
  }

  void timeout(const google::protobuf::Duration& message, const base::FieldPath& path) {
    config_.service.timeout = durationOf(message);
    if (config_.service.timeout > absl::ZeroDuration()) return;
    context_.diagnostics.error(path, "0 would let requests wait for ever; allowed: above 0");
  }

  Matchers matchers(const envoy::type::matcher::v3::ListStringMatcher& message, const base::FieldPath& path) {
    Matchers all;
    for (int i = 0; i < message.patterns_size(); ++i) {
      auto one =
          compileStringMatcher(message.patterns(i), context_.diagnostics, path.at("patterns", static_cast<size_t>(i)));
      if (one) all.push_back(*std::move(one));
    }
    return all;
  }

  void headersToAdd(const google::protobuf::RepeatedPtrField<core::HeaderValue>& headers) {
    for (const core::HeaderValue& header : headers) {
      config_.service.headers_to_add.emplace_back(absl::AsciiStrToLower(header.key()), header.value());
    }
  }

  void http(const api::HttpService& message, const base::FieldPath& path) {
    Service& service = config_.service;
    if (!message.has_server_uri()) return context_.diagnostics.error(path.at("server_uri"), "not set");
    const base::FieldPath uri = path.at("server_uri");
    cluster(message.server_uri().cluster(), uri.at("cluster"));
    timeout(message.server_uri().timeout(), uri.at("timeout"));
    service.path_prefix = message.path_prefix();
    service.path_override = message.path_override();
    if (!service.path_prefix.empty() && service.path_prefix.front() != '/') {
      context_.diagnostics.error(path.at("path_prefix"), "does not begin with /");
    }
    if (!service.path_override.empty() && service.path_override.front() != '/') {
      context_.diagnostics.error(path.at("path_override"), "does not begin with /");
    }
    if (!service.path_prefix.empty() && !service.path_override.empty()) {
      context_.diagnostics.error(path, "both path_prefix and path_override are set; allowed: one of them");
    }
    const api::AuthorizationRequest& request = message.authorization_request();
    const base::FieldPath request_path = path.at("authorization_request");
    if (request.has_allowed_headers()) {
      service.allowed_headers = matchers(request.allowed_headers(), request_path.at("allowed_headers"));
    }
    headersToAdd(request.headers_to_add());
    response(message.authorization_response(), path.at("authorization_response"));
    if (message.has_retry_policy()) {
      config_.retries = compileCallRetries(message.retry_policy(), context_.diagnostics, path.at("retry_policy"));
    }
  }

  void response(const api::AuthorizationResponse& message, const base::FieldPath& path) {
    Service& service = config_.service;
    service.to_upstream = matchers(message.allowed_upstream_headers(), path.at("allowed_upstream_headers"));
    service.to_upstream_append =
        matchers(message.allowed_upstream_headers_to_append(), path.at("allowed_upstream_headers_to_append"));
    service.to_client_on_success =
        matchers(message.allowed_client_headers_on_success(), path.at("allowed_client_headers_on_success"));
    if (message.has_allowed_client_headers()) {
      service.to_client = matchers(message.allowed_client_headers(), path.at("allowed_client_headers"));
    }
  }

  void grpc(const core::GrpcService& message, const base::FieldPath& path) {
    Service& service = config_.service;
    service.grpc = true;
    service.timeout = kDefaultTimeout;
    if (!message.has_envoy_grpc()) return context_.diagnostics.error(path, "no service; allowed: envoy_grpc");
    const base::FieldPath envoy_grpc = path.at("envoy_grpc");
    cluster(message.envoy_grpc().cluster_name(), envoy_grpc.at("cluster_name"));
    const std::string& authority = message.envoy_grpc().authority();
    service.authority = authority.empty() ? service.cluster : authority;
    if (message.has_timeout()) timeout(message.timeout(), path.at("timeout"));
    headersToAdd(message.initial_metadata());
    if (message.has_retry_policy()) {
      config_.retries = compileCallRetries(message.retry_policy(), context_.diagnostics, path.at("retry_policy"));
    }
  }

  const filter::FactoryContext& context_;
  Config& config_;
};

std::unique_ptr<filter::HttpFilterFactory> make(const google::protobuf::Message& message,
                                                const filter::FactoryContext& context) {
  const size_t errors = context.diagnostics.errors();
  Config config;
  Compiler(context, config).run(static_cast<const api::ExtAuthz&>(message));
  if (context.diagnostics.errors() != errors) return nullptr;
  return filter::factoryOf<ExtAuthzFilter>(std::make_unique<Config>(std::move(config)));
}

std::unique_ptr<filter::RouteFilterConfig> makeRouteConfig(const google::protobuf::Message& message,
                                                           const filter::FactoryContext& context) {
  const auto& route = static_cast<const api::ExtAuthzPerRoute&>(message);
  auto config = std::make_unique<RouteConfig>();
  config->disabled = route.disabled();
  const api::CheckSettings& settings = route.check_settings();
  config->extensions = Extensions(settings.context_extensions().begin(), settings.context_extensions().end());
  config->no_buffering = settings.disable_request_body_buffering();
  if (settings.has_with_request_body()) config->buffering = Compiler::buffering(settings.with_request_body());
  if (config->no_buffering && config->buffering) {
    context.diagnostics.error(context.path.at("check_settings"),
                              "both disable_request_body_buffering and with_request_body; allowed: one of them");
    return nullptr;
  }
  return config;
}

}  // namespace

filter::HttpFilterType extAuthzType() {
  filter::HttpFilterType type;
  type.config_type = api::ExtAuthz::descriptor()->full_name();
  type.route_config_type = api::ExtAuthzPerRoute::descriptor()->full_name();
  type.usual_name = "envoy.filters.http.ext_authz";
  type.make = make;
  type.make_route_config = makeRouteConfig;
  return type;
}

}  // namespace weir::extensions::ext_authz
