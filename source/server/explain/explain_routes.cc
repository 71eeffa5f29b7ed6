#include "source/server/explain/explain_routes.h"

#include <variant>

#include "absl/strings/str_cat.h"
#include "envoy/config/route/v3/route.pb.h"
#include "envoy/extensions/path/match/uri_template/v3/uri_template.pb.h"
#include "envoy/type/matcher/v3/matcher.pb.h"
#include "source/base/strings.h"
#include "source/http/path.h"
#include "source/proxy/routes/hash_policy.h"
#include "source/proxy/routes/path_rewrite.h"

namespace weir::server {
namespace {

namespace api = envoy::config::route::v3;
using base::av;
using Kind = proxy::Mismatch::Kind;

std::string pathOfHost(const ExplainContext& context, const proxy::VirtualHost& host) {
  size_t index = 0;
  while (host.table->hosts[index].get() != &host) ++index;
  return absl::StrCat(context.manager_path, ".route_config.virtual_hosts[", index, "]");
}

const api::Route& messageOf(const ExplainContext& context, const proxy::Route& route) {
  int index = 0;
  const auto& hosts = route.virtual_host->table->hosts;
  while (hosts[static_cast<size_t>(index)].get() != route.virtual_host) ++index;
  return context.message.route_config().virtual_hosts(index).routes(static_cast<int>(route.number));
}

std::string pathText(const api::RouteMatch& match) {
  switch (match.path_specifier_case()) {
    case api::RouteMatch::kPrefix:
      return absl::StrCat("prefix ", match.prefix());
    case api::RouteMatch::kPath:
      return absl::StrCat("path ", match.path());
    case api::RouteMatch::kSafeRegex:
      return absl::StrCat("safe_regex ", match.safe_regex().regex());
    case api::RouteMatch::kPathSeparatedPrefix:
      return absl::StrCat("path_separated_prefix ", match.path_separated_prefix());
    case api::RouteMatch::kConnectMatcher:
      return "connect_matcher";
    case api::RouteMatch::kPathMatchPolicy: {
      envoy::extensions::path::match::uri_template::v3::UriTemplateMatchConfig config;
      config.ParseFromString(match.path_match_policy().typed_config().value());
      return absl::StrCat("path_template ", config.path_template());
    }
    case api::RouteMatch::PATH_SPECIFIER_NOT_SET:
      break;
  }
  return "";
}

std::string matchText(const api::RouteMatch& match) {
  std::string text = pathText(match);
  for (const auto& header : match.headers()) absl::StrAppend(&text, ", header ", header.name());
  for (const auto& query : match.query_parameters()) absl::StrAppend(&text, ", query ", query.name());
  for (const auto& cookie : match.cookies()) absl::StrAppend(&text, ", cookie ", cookie.name());
  if (match.has_grpc()) text += ", grpc";
  if (match.has_tls_context()) text += ", tls_context";
  if (match.has_runtime_fraction()) text += ", runtime_fraction";
  return text;
}

std::string seenText(const http::Head& request, const std::string& header) {
  const auto value = request.value(header);
  return value ? absl::StrCat("\"", av(*value), "\" does not meet it") : std::string("the request has none");
}

std::string mismatchText(const api::RouteMatch& match, const proxy::Mismatch& mismatch, const http::Head& request) {
  const int index = static_cast<int>(mismatch.index);
  switch (mismatch.kind) {
    case Kind::kNone:
      return "takes it";
    case Kind::kPath:
      return request.isConnect() ? "no: a CONNECT has no path" : "no: another path";
    case Kind::kConnect:
      return "no: not a CONNECT";
    case Kind::kGrpc:
      return "no: not a gRPC request";
    case Kind::kTls:
      return "no: the client's certificate";
    case Kind::kHeader: {
      const std::string& name = match.headers(index).name();
      return absl::StrCat("no: header ", name, ": ", seenText(request, name));
    }
    case Kind::kQuery:
      return absl::StrCat("no: query parameter ", match.query_parameters(index).name());
    case Kind::kCookie:
      return absl::StrCat("no: cookie ", match.cookies(index).name());
    case Kind::kFraction: {
      const auto& share = match.runtime_fraction().default_value();
      return absl::StrCat("no: takes a share of ", share.numerator(), " of its denominator, not this one");
    }
  }
  return "";
}

std::string pathOfMismatch(const std::string& route, const proxy::Mismatch& mismatch) {
  const auto in = [&](const char* list) { return absl::StrCat(route, ".match.", list, "[", mismatch.index, "]"); };
  if (mismatch.kind == Kind::kHeader) return in("headers");
  if (mismatch.kind == Kind::kQuery) return in("query_parameters");
  if (mismatch.kind == Kind::kCookie) return in("cookies");
  return route + ".match";
}

const char* healthText(upstream::HealthFlags flags) {
  if (flags.has(upstream::HealthFlag::kDrainingDiscovery)) return "draining";
  if (flags.has(upstream::HealthFlag::kFailedDiscovery)) return "unhealthy";
  return flags.has(upstream::HealthFlag::kDegradedDiscovery) ? "degraded" : "healthy";
}

void addCluster(const ExplainContext& context, std::string_view name, Note& action) {
  const auto& messages = context.loaded.bootstrap.static_resources().clusters();
  for (int i = 0; i < messages.size(); ++i) {
    if (messages[i].name() != name) continue;
    Note& note =
        action.add("cluster", std::string(name), context.at(absl::StrCat("static_resources.clusters[", i, "]")));
    for (const auto& cluster : context.config.clusters) {
      if (cluster->config().name != name) continue;
      Note& hosts = note.addList("hosts");
      for (const auto& host : cluster->initialEntries()) {
        Note& one = hosts.add("host", host.host->text);
        one.add("health", healthText(host.flags));
        if (host.weight != 1) one.addBare("weight", absl::StrCat(host.weight));
      }
    }
    return;
  }
  action.add("cluster", absl::StrCat(av(name), name.empty() ? "(none is named)" : " (there is none of this name)"));
}

void addForward(const ExplainContext& context, const proxy::Route& route, const proxy::ForwardAction& forward,
                const http::Head& request, Note& action) {
  const std::string path = pathOfRoute(context, route);
  std::string_view cluster = forward.cluster;
  if (!forward.cluster_header.empty()) {
    cluster = request.headers.get(forward.cluster_header).value_or("");
    action.add("cluster_header", forward.cluster_header, context.at(path + ".route.cluster_header"));
  }
  if (route.parent != nullptr) {
    uint64_t before = 0;
    for (const proxy::Route::Choice& choice : route.parent->choices) {
      if (choice.route.get() == &route) {
        action.add("weight", absl::StrCat(choice.up_to - before, " of ", route.parent->choices.back().up_to),
                   context.at(path + ".route.weighted_clusters"));
      }
      before = choice.up_to;
    }
  }
  addCluster(context, cluster, action);
  const std::string_view rewritten =
      proxy::rewrittenPath(request, route, forward.prefix_rewrite, forward.regex_rewrite.get());
  action.add("path", std::string(rewritten));
  std::string_view host = request.authority;
  std::string made;
  if (!forward.host_rewrite_literal.empty()) host = forward.host_rewrite_literal;
  if (!forward.host_rewrite_header.empty()) host = request.headers.get(forward.host_rewrite_header).value_or(host);
  if (forward.host_rewrite_path != nullptr) {
    made = forward.host_rewrite_path->apply(http::pathOf(request.path));
    if (!made.empty()) host = made;
  }
  action.add("host", forward.auto_host_rewrite ? std::string("that of the upstream host") : std::string(host));
  if (forward.tunnel != nullptr) {
    action.add("tunnel", forward.tunnel->post ? "CONNECT and POST end here: the cluster gets plain bytes"
                                              : "CONNECT ends here: the cluster gets plain bytes");
  }
  for (const auto& [token, allowed] : forward.upgrades) action.add("upgrade", token + (allowed ? "" : " (refused)"));
}

}  // namespace

std::string pathOfRoute(const ExplainContext& context, const proxy::Route& route) {
  return absl::StrCat(pathOfHost(context, *route.virtual_host), ".routes[", route.number, "]");
}

void addVirtualHost(const ExplainContext& context, const proxy::RouteExplanation& explanation,
                    const http::Head& request, Note& root) {
  if (explanation.host == nullptr) {
    root.add("virtual_host", absl::StrCat("none has a domain for \"", av(request.authority), "\""),
             context.at(context.manager_path + ".route_config"));
    return;
  }
  const std::string path = pathOfHost(context, *explanation.host);
  Note& host = root.add("virtual_host", explanation.host->name, context.at(path));
  host.add("domain", std::string(explanation.domain), context.at(path + ".domains"));
  if (explanation.needs_tls) {
    host.add("require_tls", "answered with a redirect to https", context.at(path + ".require_tls"));
  }
  Note& routes = root.addList("routes");
  for (const auto& trial : explanation.trials) {
    const api::RouteMatch& match = messageOf(context, *trial.route).match();
    const std::string route_path = pathOfRoute(context, *trial.route);
    Note& note = routes.add(absl::StrCat("route ", trial.route->number), matchText(match), context.at(route_path));
    if (!trial.route->name.empty()) note.add("name", trial.route->name);
    note.add("result", mismatchText(match, trial.mismatch, request),
             trial.mismatch.kind == Kind::kNone ? "" : context.at(pathOfMismatch(route_path, trial.mismatch)));
  }
}

void addAction(const ExplainContext& context, const proxy::RouteExplanation& explanation, const http::Head& request,
               Note& root) {
  const proxy::Route& route = *explanation.chosen;
  if (explanation.needs_tls) {
    const auto& redirect = std::get<proxy::RedirectAction>(route.action);
    Note& note = root.add("action", "redirect");
    note.addBare("status", absl::StrCat(redirect.status));
    note.add("location", std::string(proxy::redirectLocation(request, route, redirect)));
    return;
  }
  const std::string path = pathOfRoute(context, route);
  if (const auto* forward = std::get_if<proxy::ForwardAction>(&route.action)) {
    addForward(context, route, *forward, request, root.add("action", "route", context.at(path + ".route")));
  } else if (const auto* redirect = std::get_if<proxy::RedirectAction>(&route.action)) {
    Note& note = root.add("action", "redirect", context.at(path + ".redirect"));
    note.addBare("status", absl::StrCat(redirect->status));
    note.add("location", std::string(proxy::redirectLocation(request, route, *redirect)));
  } else {
    const auto& direct = std::get<proxy::DirectAction>(route.action);
    Note& note = root.add("action", "direct_response", context.at(path + ".direct_response"));
    note.addBare("status", absl::StrCat(direct.status));
    note.addBare("body_bytes", absl::StrCat(direct.body.size()));
  }
}

}  // namespace weir::server
