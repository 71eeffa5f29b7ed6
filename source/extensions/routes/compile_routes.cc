#include "source/extensions/routes/compile_routes.h"

#include <map>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "envoy/config/core/v3/core.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "source/base/strings.h"
#include "source/extensions/matchers/compile_matchers.h"
#include "source/extensions/messages/metadata.h"
#include "source/extensions/rate_limits/compile_rate_limits.h"
#include "source/extensions/routes/compile_action.h"
#include "source/extensions/routes/compile_match.h"
#include "source/extensions/routes/compile_retry.h"
#include "source/extensions/routes/filter_configs.h"
#include "source/extensions/routes/header_edits.h"

namespace weir::extensions {

namespace {

namespace api = envoy::config::route::v3;

constexpr std::string_view kCorsRouteType = "envoy.extensions.filters.http.cors.v3.CorsPolicy";

// Null for none.
template <typename Messages>
std::shared_ptr<const filter::RateLimitRules> rateLimits(const Messages& messages, const RouteContext& context,
                                                         const base::FieldPath& path) {
  if (messages.empty()) return nullptr;
  return std::make_shared<const filter::RateLimitRules>(compileRateLimits(messages, context.diagnostics, path));
}

// The two lists of edits that a table, a virtual host and a route have alike.
template <typename Message, typename Target>
void compileEdits(const Message& message, const RouteContext& context, const base::FieldPath& path, Target& target) {
  target.request_edits =
      compileHeaderEdits(message.request_headers_to_add(), "request_headers_to_add",
                         message.request_headers_to_remove(), "request_headers_to_remove", context.diagnostics, path);
  target.response_edits =
      compileHeaderEdits(message.response_headers_to_add(), "response_headers_to_add",
                         message.response_headers_to_remove(), "response_headers_to_remove", context.diagnostics, path);
  target.filters = compileFilterConfigs(message.typed_per_filter_config(), context, path);
}

void compileRoute(const api::Route& message, const RouteContext& context, const RouteTableLimits& limits,
                  uint32_t number, const base::FieldPath& path, proxy::VirtualHost& host) {
  auto route = std::make_unique<proxy::Route>();
  route->name = message.name();
  route->number = number;
  route->virtual_host = &host;
  std::optional<proxy::RouteMatch> match = compileRouteMatch(message.match(), context.diagnostics, path.at("match"));
  if (match) {
    route->matched_bytes = static_cast<uint32_t>(match->literal.size());
    route->whole_path = match->path_kind == proxy::RouteMatch::PathKind::kExact ||
                        match->path_kind == proxy::RouteMatch::PathKind::kRegex;
  }
  if (!message.stat_prefix().empty()) {
    route->stats = std::make_shared<const proxy::RouteStats>(
        proxy::RouteStats::make(context.stats, host.name, "route", message.stat_prefix()));
  }
  compileEdits(message, context, path, *route);
  if (message.route().has_cors()) {
    addFilterConfig(kCorsRouteType, message.route().cors(), route->filters, context, path.at("route").at("cors"));
  }
  route->notes = compileMetadata(message.metadata());
  route->rate_limits = rateLimits(message.route().rate_limits(), context, path.at("route"));
  compileAction(message, context, limits, path, *route);
  if (match) host.routes.emplace_back(*std::move(match), std::move(route));
}

class TableCompiler {
 public:
  TableCompiler(const RouteContext& context, const RouteTableLimits& limits, const base::FieldPath& path)
      : context_(context), limits_(limits), path_(path) {}

  void host(const api::VirtualHost& message, size_t index, proxy::RouteTable& table) {
    const base::FieldPath path = path_.at("virtual_hosts", index);
    auto host = std::make_unique<proxy::VirtualHost>();
    host->name = message.name();
    host->table = &table;
    if (const auto [at, fresh] = names_.emplace(message.name(), index); !fresh) {
      context_.diagnostics.error(path.at("name"),
                                 absl::StrCat("'", message.name(), "' is also the name of ",
                                              path_.at("virtual_hosts", at->second).text(), "; names must differ"));
    }
    compileEdits(message, context_, path, *host);
    host->notes = compileMetadata(message.metadata());
    host->rate_limits = rateLimits(message.rate_limits(), context_, path);
    if (message.has_cors()) addFilterConfig(kCorsRouteType, message.cors(), host->filters, context_, path.at("cors"));
    RouteTableLimits limits = limits_;
    limits.policy = compileHostPolicy(message, *limits_.policy, context_, path);
    host->routes.reserve(static_cast<size_t>(message.routes_size()));
    for (int i = 0; i < message.routes_size(); ++i) {
      compileRoute(message.routes(i), context_, limits, static_cast<uint32_t>(i),
                   path.at("routes", static_cast<size_t>(i)), *host);
    }
    host->index();
    virtualClusters(message, path, *host);
    switch (message.require_tls()) {
      case api::VirtualHost::ALL:
        host->require_tls = proxy::RequireTls::kAll;
        break;
      case api::VirtualHost::EXTERNAL_ONLY:
        host->require_tls = proxy::RequireTls::kExternal;
        break;
      default:
        break;
    }
    for (int i = 0; i < message.domains_size(); ++i) {
      domain(message.domains(i), path.at("domains", static_cast<size_t>(i)), *host, table);
    }
    table.hosts.push_back(std::move(host));
  }

 private:
  void virtualClusters(const api::VirtualHost& message, const base::FieldPath& path, proxy::VirtualHost& host) {
    if (message.virtual_clusters_size() == 0) return;
    for (int i = 0; i < message.virtual_clusters_size(); ++i) {
      const api::VirtualCluster& cluster = message.virtual_clusters(i);
      const base::FieldPath at = path.at("virtual_clusters", static_cast<size_t>(i));
      if (cluster.headers_size() == 0) {
        context_.diagnostics.error(at.at("headers"), "empty; allowed: at least one condition on a header");
      }
      host.virtual_clusters.push_back({compileHeaderMatchers(cluster.headers(), context_.diagnostics, at, "headers"),
                                       proxy::RouteStats::make(context_.stats, host.name, "vcluster", cluster.name())});
    }
    host.other_virtual_cluster = proxy::RouteStats::make(context_.stats, host.name, "vcluster", "other");
  }

  void domain(const std::string& written, const base::FieldPath& path, proxy::VirtualHost& host,
              proxy::RouteTable& table) {
    const std::string name = absl::AsciiStrToLower(written);
    const size_t star = name.find('*');
    const bool middle = star != std::string::npos && star != 0 && star != name.size() - 1;
    if (name.empty() || middle || name.find('*', star + 1) != std::string::npos) {
      context_.diagnostics.error(path, absl::StrCat("'", written,
                                                    "' is no domain; allowed: a name, '*' alone, or one '*' at the "
                                                    "beginning or at the end of a name"));
      return;
    }
    if (table.addDomain(name, host)) {
      domains_.emplace(name, path.text());
      host.domains.push_back(name);
      return;
    }
    context_.diagnostics.error(path, absl::StrCat("the domain '", written, "' is taken by ", domains_[name],
                                                  "; each domain may be there once in a route configuration"));
  }

  const RouteContext& context_;
  const RouteTableLimits& limits_;
  const base::FieldPath& path_;
  std::map<std::string, size_t> names_;
  std::map<std::string, std::string> domains_;
};

}  // namespace

std::unique_ptr<const proxy::RouteTable> compileRoutes(const api::RouteConfiguration& message,
                                                       const RouteContext& context, const base::FieldPath& path) {
  auto table = std::make_unique<proxy::RouteTable>();
  table->name = message.name();
  table->most_specific_wins = message.most_specific_header_mutations_wins();
  table->ignore_port = message.ignore_port_in_host_matching();
  RouteTableLimits limits;
  if (message.has_validate_clusters()) limits.validate_clusters = message.validate_clusters().value();
  if (message.has_max_direct_response_body_size_bytes()) {
    limits.direct_response_bytes = message.max_direct_response_body_size_bytes().value();
  }
  for (const std::string& name : message.internal_only_headers()) {
    table->internal_only_headers.push_back(absl::AsciiStrToLower(name));
  }
  compileEdits(message, context, path, *table);
  limits.policy = std::make_shared<const proxy::UpstreamPolicy>(compileTablePolicy(message, context, path));
  TableCompiler compiler(context, limits, path);
  for (int i = 0; i < message.virtual_hosts_size(); ++i) {
    compiler.host(message.virtual_hosts(i), static_cast<size_t>(i), *table);
  }
  return table;
}

}  // namespace weir::extensions
