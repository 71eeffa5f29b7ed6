#include "source/extensions/routes/compile_action.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "envoy/config/core/v3/core.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "envoy/type/matcher/v3/matcher.pb.h"
#include "source/base/strings.h"
#include "source/extensions/access_loggers/line_format.h"
#include "source/extensions/messages/data_source.h"
#include "source/extensions/messages/duration.h"
#include "source/extensions/messages/metadata.h"
#include "source/extensions/routes/compile_hash_policy.h"
#include "source/extensions/routes/compile_retry.h"
#include "source/extensions/routes/compile_template.h"
#include "source/extensions/routes/filter_configs.h"
#include "source/extensions/routes/header_edits.h"
#include "source/extensions/transport_sockets/proxy_protocol/compile_proxy_header.h"
#include "source/proxy/routes/path_rewrite.h"

namespace weir::extensions {

namespace {

namespace api = envoy::config::route::v3;

std::shared_ptr<const upstream::lb::SubsetIndex::Wish> subsetOf(upstream::lb::Metadata wanted) {
  if (wanted.empty()) return nullptr;
  return std::make_shared<const upstream::lb::SubsetIndex::Wish>(std::move(wanted));
}

// `more` on top of `base`, each key once.
upstream::lb::Metadata merged(upstream::lb::Metadata base, upstream::lb::Metadata more) {
  for (auto& [key, value] : more) {
    const auto at = std::find_if(base.begin(), base.end(), [&k = key](const auto& pair) { return pair.first == k; });
    if (at == base.end()) {
      base.emplace_back(key, std::move(value));
    } else {
      at->second = std::move(value);
    }
  }
  return base;
}

class ActionCompiler {
 public:
  ActionCompiler(const RouteContext& context, const RouteTableLimits& limits) : context_(context), limits_(limits) {}

  proxy::ForwardAction forward(const api::RouteAction& message, const api::RouteMatch& match,
                               const base::FieldPath& path);
  proxy::RedirectAction redirect(const api::RedirectAction& message, const base::FieldPath& path);
  proxy::DirectAction direct(const api::DirectResponseAction& message, const base::FieldPath& path);
  // `message` is the action whose clusters are weighted.
  void weighted(const api::RouteAction& message, const base::FieldPath& path, proxy::Route& parent);

 private:
  void requireCluster(const std::string& name, const base::FieldPath& path);
  std::shared_ptr<const proxy::PathRewrite> rewrite(const envoy::type::matcher::v3::RegexMatchAndSubstitute& message,
                                                    const base::FieldPath& path);
  void grpcTimeout(const api::RouteAction::MaxStreamDuration& message, const base::FieldPath& path,
                   proxy::ForwardAction& action);
  void upgrades(const api::RouteAction& message, const base::FieldPath& path, proxy::ForwardAction& action);
  void pathRewrite(const api::RouteAction& message, const api::RouteMatch& match, const base::FieldPath& path,
                   proxy::ForwardAction& action);
  void hostRewrite(const api::RouteAction& message, const base::FieldPath& path, proxy::ForwardAction& action);
  void split(const api::WeightedCluster& message, const base::FieldPath& path, proxy::Route& parent);
  void bodyFormat(const envoy::config::core::v3::SubstitutionFormatString& message, const base::FieldPath& path,
                  proxy::DirectAction& action);
  std::unique_ptr<proxy::Route> choice(const api::WeightedCluster::ClusterWeight& message, const base::FieldPath& path,
                                       const envoy::config::core::v3::Metadata& parent_metadata,
                                       const proxy::Route& parent);

  const RouteContext& context_;
  const RouteTableLimits& limits_;
};

void ActionCompiler::requireCluster(const std::string& name, const base::FieldPath& path) {
  if (!limits_.validate_clusters) return;
  const std::string problem = context_.cluster_problem(name);
  if (!problem.empty()) context_.diagnostics.error(path, problem);
}

std::shared_ptr<const proxy::PathRewrite> ActionCompiler::rewrite(
    const envoy::type::matcher::v3::RegexMatchAndSubstitute& message, const base::FieldPath& path) {
  auto compiled = proxy::PathRewrite::make(message.pattern().regex(), message.substitution());
  if (compiled.ok()) return *std::move(compiled);
  context_.diagnostics.error(path, std::string(compiled.status().message()));
  return nullptr;
}

void ActionCompiler::grpcTimeout(const api::RouteAction::MaxStreamDuration& message, const base::FieldPath& path,
                                 proxy::ForwardAction& action) {
  if (message.has_grpc_timeout_header_max()) action.grpc_timeout_max = durationOf(message.grpc_timeout_header_max());
  action.grpc_timeout_offset = durationOf(message.grpc_timeout_header_offset());
  const auto refuse = [&](const char* field) {
    context_.diagnostics.error(path.at(field), "below zero; allowed: a duration of 0s or more");
  };
  if (action.grpc_timeout_max.value_or(absl::ZeroDuration()) < absl::ZeroDuration()) refuse("grpc_timeout_header_max");
  if (action.grpc_timeout_offset < absl::ZeroDuration()) refuse("grpc_timeout_header_offset");
  if (message.has_grpc_timeout_header_offset() && !message.has_grpc_timeout_header_max()) {
    context_.diagnostics.warning(path.at("grpc_timeout_header_offset"),
                                 "has no effect; grpc_timeout_header_max is what makes weir keep grpc-timeout");
  }
}

void ActionCompiler::upgrades(const api::RouteAction& message, const base::FieldPath& path,
                              proxy::ForwardAction& action) {
  std::set<std::string> seen;
  for (int i = 0; i < message.upgrade_configs_size(); ++i) {
    const auto& upgrade = message.upgrade_configs(i);
    std::string token = absl::AsciiStrToLower(upgrade.upgrade_type());
    if (!seen.insert(token).second) {
      context_.diagnostics.error(path.at("upgrade_configs", static_cast<size_t>(i)).at("upgrade_type"),
                                 absl::StrCat("'", upgrade.upgrade_type(), "' is there twice"));
    }
    const bool enabled = !upgrade.has_enabled() || upgrade.enabled().value();
    if (upgrade.has_connect_config()) {
      if (token != "connect") {
        context_.diagnostics.error(path.at("upgrade_configs", static_cast<size_t>(i)).at("connect_config"),
                                   absl::StrCat("'", upgrade.upgrade_type(), "' cannot end here; allowed: CONNECT"));
      } else if (enabled) {
        proxy::ForwardAction::Tunnel tunnel{upgrade.connect_config().allow_post()};
        if (upgrade.connect_config().has_proxy_protocol_config()) {
          tunnel.proxy_header = compileProxyHeader(
              upgrade.connect_config().proxy_protocol_config(), context_.diagnostics,
              path.at("upgrade_configs", static_cast<size_t>(i)).at("connect_config").at("proxy_protocol_config"));
        }
        action.tunnel = std::make_shared<const proxy::ForwardAction::Tunnel>(std::move(tunnel));
      }
    }
    action.upgrades.emplace_back(std::move(token), enabled);
  }
}

void ActionCompiler::pathRewrite(const api::RouteAction& message, const api::RouteMatch& match,
                                 const base::FieldPath& path, proxy::ForwardAction& action) {
  action.prefix_rewrite = message.prefix_rewrite();
  const int ways = (action.prefix_rewrite.empty() ? 0 : 1) + (message.has_regex_rewrite() ? 1 : 0) +
                   (message.has_path_rewrite_policy() ? 1 : 0);
  if (ways > 1) {
    const char* const field = message.has_path_rewrite_policy() ? "path_rewrite_policy" : "regex_rewrite";
    context_.diagnostics.error(path.at(field),
                               "set together with another rewrite of the path; allowed: one of prefix_rewrite, "
                               "regex_rewrite, path_rewrite_policy");
    return;
  }
  if (message.has_regex_rewrite()) action.regex_rewrite = rewrite(message.regex_rewrite(), path.at("regex_rewrite"));
  if (!message.has_path_rewrite_policy()) return;
  const base::FieldPath at = path.at("path_rewrite_policy");
  if (!match.has_path_match_policy()) {
    context_.diagnostics.error(at, "the match has no path_match_policy, whose variables it could use");
    return;
  }
  // What is wrong with the template itself is reported where it stands.
  base::Diagnostics elsewhere;
  const auto from = compilePathTemplate(match.path_match_policy(), elsewhere, at);
  if (from)
    action.regex_rewrite = compileTemplateRewrite(message.path_rewrite_policy(), *from, context_.diagnostics, at);
}

void ActionCompiler::hostRewrite(const api::RouteAction& message, const base::FieldPath& path,
                                 proxy::ForwardAction& action) {
  action.host_rewrite_literal = message.host_rewrite_literal();
  action.host_rewrite_header = absl::AsciiStrToLower(message.host_rewrite_header());
  action.auto_host_rewrite = message.auto_host_rewrite().value();
  action.append_x_forwarded_host = message.append_x_forwarded_host();
  if (message.has_host_rewrite_path_regex()) {
    action.host_rewrite_path = rewrite(message.host_rewrite_path_regex(), path.at("host_rewrite_path_regex"));
  }
}

proxy::ForwardAction ActionCompiler::forward(const api::RouteAction& message, const api::RouteMatch& match,
                                             const base::FieldPath& path) {
  proxy::ForwardAction action;
  if (message.has_cluster()) {
    action.cluster = message.cluster();
    requireCluster(action.cluster, path.at("cluster"));
  } else if (message.has_cluster_header()) {
    action.cluster_header = absl::AsciiStrToLower(message.cluster_header());
  } else if (!message.has_weighted_clusters()) {
    context_.diagnostics.error(path, "no cluster is given; allowed: one of cluster, cluster_header, weighted_clusters");
  }
  switch (message.cluster_not_found_response_code()) {
    case api::RouteAction::NOT_FOUND:
      action.cluster_not_found_status = 404;
      break;
    case api::RouteAction::INTERNAL_SERVER_ERROR:
      action.cluster_not_found_status = 500;
      break;
    default:
      break;
  }
  if (message.has_timeout()) action.timeout = durationOf(message.timeout());
  if (message.has_idle_timeout()) action.idle_timeout = durationOf(message.idle_timeout());
  if (message.max_stream_duration().has_max_stream_duration()) {
    action.max_stream_duration = durationOf(message.max_stream_duration().max_stream_duration());
  }
  grpcTimeout(message.max_stream_duration(), path.at("max_stream_duration"), action);
  if (message.priority() == envoy::config::core::v3::HIGH) action.priority = upstream::Priority::kHigh;
  pathRewrite(message, match, path, action);
  hostRewrite(message, path, action);
  upgrades(message, path, action);
  action.hash_policy = compileHashPolicy(message.hash_policy(), context_.diagnostics, path);
  action.subset = subsetOf(lbMetadata(message.metadata_match()));
  return action;
}

std::unique_ptr<proxy::Route> ActionCompiler::choice(const api::WeightedCluster::ClusterWeight& message,
                                                     const base::FieldPath& path,
                                                     const envoy::config::core::v3::Metadata& parent_metadata,
                                                     const proxy::Route& parent) {
  auto route = std::make_unique<proxy::Route>();
  route->name = parent.name;
  route->virtual_host = parent.virtual_host;
  route->number = parent.number;
  route->stats = parent.stats;
  route->matched_bytes = parent.matched_bytes;
  route->whole_path = parent.whole_path;
  route->parent = &parent;
  proxy::ForwardAction action = std::get<proxy::ForwardAction>(parent.action);
  action.cluster = message.name();
  action.cluster_header = absl::AsciiStrToLower(message.cluster_header());
  if (message.name().empty() == message.cluster_header().empty()) {
    context_.diagnostics.error(path.at("name"), message.name().empty()
                                                    ? "empty; allowed: the name of a cluster, or a cluster_header"
                                                    : "set together with cluster_header; allowed: one of the two");
  } else if (!message.name().empty()) {
    requireCluster(message.name(), path.at("name"));
  }
  if (message.has_metadata_match()) {
    // What the route asks for of all its clusters still holds, where this one does not say otherwise.
    action.subset = subsetOf(merged(lbMetadata(parent_metadata), lbMetadata(message.metadata_match())));
  }
  if (!message.host_rewrite_literal().empty()) {
    action.host_rewrite_literal = message.host_rewrite_literal();
    action.host_rewrite_header.clear();
    action.host_rewrite_path = nullptr;
    action.auto_host_rewrite = false;
  }
  route->action = std::move(action);
  route->request_edits =
      compileHeaderEdits(message.request_headers_to_add(), "request_headers_to_add",
                         message.request_headers_to_remove(), "request_headers_to_remove", context_.diagnostics, path);
  route->response_edits = compileHeaderEdits(message.response_headers_to_add(), "response_headers_to_add",
                                             message.response_headers_to_remove(), "response_headers_to_remove",
                                             context_.diagnostics, path);
  route->filters = compileFilterConfigs(message.typed_per_filter_config(), context_, path);
  return route;
}

void ActionCompiler::split(const api::WeightedCluster& message, const base::FieldPath& path, proxy::Route& parent) {
  if (!message.runtime_key_prefix().empty()) {
    context_.diagnostics.warning(path.at("runtime_key_prefix"), "has no effect: the weights that are given here hold");
  }
  if (!message.header_name().empty()) {
    parent.split = std::make_shared<const proxy::WeightedSplit>(
        proxy::WeightedSplit{absl::AsciiStrToLower(message.header_name())});
  }
  if (!message.use_hash_policy().value()) return;
  auto policy = std::get<proxy::ForwardAction>(parent.action).hash_policy;
  if (policy == nullptr) {
    context_.diagnostics.error(path.at("use_hash_policy"), "the route has no hash_policy; it needs one for this");
  }
  parent.split = std::make_shared<const proxy::WeightedSplit>(proxy::WeightedSplit{"", std::move(policy)});
}

void ActionCompiler::weighted(const api::RouteAction& action, const base::FieldPath& path, proxy::Route& parent) {
  const api::WeightedCluster& message = action.weighted_clusters();
  uint64_t total = 0;
  for (int i = 0; i < message.clusters_size(); ++i) {
    const auto& weight = message.clusters(i);
    std::unique_ptr<proxy::Route> route =
        choice(weight, path.at("clusters", static_cast<size_t>(i)), action.metadata_match(), parent);
    if (weight.weight().value() == 0) continue;
    total += weight.weight().value();
    parent.choices.push_back({total, std::move(route)});
  }
  split(message, path, parent);
  if (total == 0) {
    context_.diagnostics.error(path.at("clusters"), "the weights add up to 0; at least one must be above 0");
  } else if (message.has_total_weight() && message.total_weight().value() != total) {
    context_.diagnostics.error(path.at("total_weight"),
                               absl::StrCat("saw ", message.total_weight().value(), "; the weights add up to ", total));
  }
}

proxy::RedirectAction ActionCompiler::redirect(const api::RedirectAction& message, const base::FieldPath& path) {
  constexpr uint16_t kStatus[] = {301, 302, 303, 307, 308};
  proxy::RedirectAction action;
  action.https = message.https_redirect();
  action.scheme = absl::AsciiStrToLower(message.scheme_redirect());
  action.host = message.host_redirect();
  action.path = message.path_redirect();
  action.prefix_rewrite = message.prefix_rewrite();
  if (message.has_regex_rewrite()) action.regex_rewrite = rewrite(message.regex_rewrite(), path.at("regex_rewrite"));
  if (message.port_redirect() > 65535) {
    context_.diagnostics.error(path.at("port_redirect"),
                               absl::StrCat("saw ", message.port_redirect(), "; at most 65535 is allowed"));
  } else if (message.port_redirect() != 0) {
    action.port = message.port_redirect();
  }
  // A number that is no code has been reported, and the rest of the file is still looked at.
  const auto code = static_cast<size_t>(message.response_code());
  action.status = kStatus[code < std::size(kStatus) ? code : 0];
  action.strip_query = message.strip_query();
  return action;
}

proxy::DirectAction ActionCompiler::direct(const api::DirectResponseAction& message, const base::FieldPath& path) {
  proxy::DirectAction action;
  action.status = static_cast<uint16_t>(message.status());
  if (message.has_body()) {
    action.body = readDataSource(message.body(), limits_.direct_response_bytes, context_.schema_only,
                                 context_.diagnostics, path.at("body"))
                      .value_or("");
  }
  if (message.has_body_format()) bodyFormat(message.body_format(), path.at("body_format"), action);
  return action;
}

void ActionCompiler::bodyFormat(const envoy::config::core::v3::SubstitutionFormatString& message,
                                const base::FieldPath& path, proxy::DirectAction& action) {
  auto made = std::make_shared<proxy::LocalReplyFormat>();
  if (message.has_json_format()) {
    std::shared_ptr<const LineFormat> line =
        LineFormat::compile(message, context_.schema_only, context_.diagnostics, path);
    if (line == nullptr) return;
    made->append = [line](const filter::StreamInfo& info, std::string& out) { line->append(info, out); };
    made->content_type = message.content_type().empty() ? "application/json" : message.content_type();
    action.format = std::move(made);
    return;
  }
  std::string text = message.text_format();
  if (message.has_text_format_source()) {
    text = readDataSource(message.text_format_source(), limits_.direct_response_bytes, context_.schema_only,
                          context_.diagnostics, path.at("text_format_source"))
               .value_or("");
  }
  auto format = filter::SubstitutionFormat::parse(text, message.omit_empty_values());
  if (!format.ok()) return context_.diagnostics.error(path, std::string(format.status().message()));
  made->append = [text_format = std::shared_ptr<const filter::SubstitutionFormat>(*std::move(format))](
                     const filter::StreamInfo& info, std::string& out) { text_format->append(info, out); };
  made->content_type = message.content_type().empty() ? "text/plain" : message.content_type();
  action.format = std::move(made);
}

}  // namespace

void compileAction(const api::Route& message, const RouteContext& context, const RouteTableLimits& limits,
                   const base::FieldPath& path, proxy::Route& route) {
  ActionCompiler compiler(context, limits);
  switch (message.action_case()) {
    case api::Route::kRoute: {
      const base::FieldPath at = path.at("route");
      proxy::ForwardAction action = compiler.forward(message.route(), message.match(), at);
      action.policy = compileRoutePolicy(message, limits.policy, context, path);
      route.action = std::move(action);
      if (message.route().has_weighted_clusters()) {
        compiler.weighted(message.route(), at.at("weighted_clusters"), route);
      }
      break;
    }
    case api::Route::kRedirect:
      route.action = compiler.redirect(message.redirect(), path.at("redirect"));
      break;
    case api::Route::kDirectResponse:
      route.action = compiler.direct(message.direct_response(), path.at("direct_response"));
      break;
    case api::Route::ACTION_NOT_SET:
      context.diagnostics.error(path, "no action is given; allowed: one of route, redirect, direct_response");
      break;
  }
}

}  // namespace weir::extensions
