#include "source/server/explain/explain_policies.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "envoy/config/route/v3/route.pb.h"
#include "source/config/dump.h"
#include "source/proxy/routes/retry_conditions.h"
#include "source/server/explain/explain_routes.h"

namespace weir::server {
namespace {

using google::protobuf::Any;
using google::protobuf::Map;

// What one level of the route configuration says about filters.
struct Level {
  const Map<std::string, Any>* filters;
  std::string path;
};

// The most specific first.
std::vector<Level> levelsOf(const ExplainContext& context, const proxy::Route& route) {
  std::vector<Level> levels;
  const auto& table = context.message.route_config();
  const std::string table_path = context.manager_path + ".route_config";
  if (route.virtual_host->table->hosts.empty()) return levels;
  size_t index = 0;
  while (route.virtual_host->table->hosts[index].get() != route.virtual_host) ++index;
  const auto& host = table.virtual_hosts(static_cast<int>(index));
  const std::string host_path = absl::StrCat(table_path, ".virtual_hosts[", index, "]");
  if (route.number < static_cast<uint32_t>(host.routes_size())) {
    const auto& message = host.routes(static_cast<int>(route.number));
    const std::string route_path = absl::StrCat(host_path, ".routes[", route.number, "]");
    const auto& choices = message.route().weighted_clusters().clusters();
    for (int i = 0; route.parent != nullptr && i < choices.size(); ++i) {
      if (choices[i].name() != route.clusterName()) continue;
      levels.push_back({&choices[i].typed_per_filter_config(),
                        absl::StrCat(route_path, ".route.weighted_clusters.clusters[", i, "]")});
      break;
    }
    levels.push_back({&message.typed_per_filter_config(), route_path});
  }
  levels.push_back({&host.typed_per_filter_config(), host_path});
  levels.push_back({&table.typed_per_filter_config(), table_path});
  return levels;
}

// The first lines of an Any as YAML, without its "@type".
std::string configText(const Any& any) {
  std::string text = config::toYaml(any);
  if (const size_t type = text.find("@type"); type != std::string::npos) {
    const size_t begin = text.rfind('\n', type) + 1;
    text.erase(begin == std::string::npos ? 0 : begin, text.find('\n', type) + 1 - begin);
  }
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.empty() ? "{}" : text;
}

std::string durationText(absl::Duration duration) {
  return duration <= absl::ZeroDuration() || duration == absl::InfiniteDuration() ? "none"
                                                                                  : absl::FormatDuration(duration);
}

constexpr std::array<std::pair<const char*, uint32_t>, 15> kConditions = {{
    {"5xx", proxy::kRetryOn5xx},
    {"gateway-error", proxy::kRetryOnGatewayError},
    {"reset", proxy::kRetryOnReset},
    {"reset-before-request", proxy::kRetryOnResetBeforeRequest},
    {"connect-failure", proxy::kRetryOnConnectFailure},
    {"envoy-ratelimited", proxy::kRetryOnEnvoyRateLimited},
    {"refused-stream", proxy::kRetryOnRefusedStream},
    {"retriable-4xx", proxy::kRetryOnRetriable4xx},
    {"retriable-status-codes", proxy::kRetryOnRetriableStatusCodes},
    {"retriable-headers", proxy::kRetryOnRetriableHeaders},
    {"cancelled", proxy::kRetryOnGrpcCancelled},
    {"deadline-exceeded", proxy::kRetryOnGrpcDeadlineExceeded},
    {"internal", proxy::kRetryOnGrpcInternal},
    {"resource-exhausted", proxy::kRetryOnGrpcResourceExhausted},
    {"unavailable", proxy::kRetryOnGrpcUnavailable},
}};

std::string conditionsText(uint32_t on) {
  std::vector<std::string> names;
  for (const auto& [name, bit] : kConditions) {
    if ((on & bit) != 0) names.emplace_back(name);
  }
  return absl::StrJoin(names, ",");
}

}  // namespace

void addFilters(const ExplainContext& context, const proxy::Route* route, Note& root) {
  Note& filters = root.addList("filters");
  size_t slot = 0;
  for (int i = 0; i < context.message.http_filters_size(); ++i) {
    const auto& filter = context.message.http_filters(i);
    const std::string path = absl::StrCat(context.manager_path, ".http_filters[", i, "]");
    Note& note = filters.add("filter", filter.name(), context.at(path));
    const bool in_chain =
        slot < context.manager.filters->size() && context.manager.filters->slot(slot).name == filter.name();
    if (!in_chain) continue;  // the router, and what was left out
    bool off = context.manager.filters->slot(slot).disabled;
    if (route != nullptr) off = route->filterDisabled(slot).value_or(off);
    ++slot;
    if (off) {
      note.add("state", "off on this route");
      continue;
    }
    note.add("config", configText(filter.typed_config()), context.at(path + ".typed_config"));
    if (route == nullptr) continue;
    for (const Level& level : levelsOf(context, *route)) {
      const auto at = level.filters->find(filter.name());
      if (at == level.filters->end()) continue;
      note.add("for_the_route", configText(at->second),
               context.at(absl::StrCat(level.path, ".typed_per_filter_config[\"", filter.name(), "\"]")));
      break;
    }
  }
}

void addTimeouts(const ExplainContext& context, const proxy::Route& route, const proxy::ForwardAction& action,
                 Note& root) {
  const std::string path = pathOfRoute(context, route) + ".route";
  const proxy::HttpConnectionManagerConfig& manager = context.manager;
  const auto of_manager = [&](const char* field) { return context.atIfGiven(context.manager_path + "." + field); };
  Note& note = root.add("timeouts", "");
  note.add("route", durationText(action.timeout), context.atIfGiven(path + ".timeout"));
  note.add("stream_idle", durationText(action.idle_timeout.value_or(manager.stream_idle_timeout)),
           action.idle_timeout ? context.at(path + ".idle_timeout") : of_manager("stream_idle_timeout"));
  note.add("max_stream_duration", durationText(action.max_stream_duration.value_or(manager.max_stream_duration)),
           action.max_stream_duration ? context.at(path + ".max_stream_duration")
                                      : of_manager("common_http_protocol_options.max_stream_duration"));
  note.add("request", durationText(manager.request_timeout), of_manager("request_timeout"));
  note.add("request_headers", durationText(manager.request_headers_timeout), of_manager("request_headers_timeout"));
  if (action.grpc_timeout_max) {
    note.add("grpc_timeout_max", durationText(*action.grpc_timeout_max),
             context.at(path + ".max_stream_duration.grpc_timeout_header_max"));
  }
  const auto& clusters = context.loaded.bootstrap.static_resources().clusters();
  for (const auto& cluster : context.config.clusters) {
    if (cluster->config().name != action.cluster) continue;
    int i = 0;
    while (i + 1 < clusters.size() && clusters[i].name() != action.cluster) ++i;
    note.add("connect", durationText(cluster->config().connect_timeout),
             context.atIfGiven(absl::StrCat("static_resources.clusters[", i, "].connect_timeout")));
  }
}

void addRetries(const ExplainContext& context, const proxy::Route& route, const proxy::ForwardAction& action,
                Note& root) {
  const std::string route_path = pathOfRoute(context, route);
  if (action.policy == nullptr || action.policy->retry.on == 0) {
    root.add("retries", "none by policy; only what no upstream has processed is sent again");
    return;
  }
  const proxy::RetryPolicy& retry = action.policy->retry;
  std::string at = context.atIfGiven(route_path + ".route.retry_policy");
  if (at.empty()) {
    at = context.atIfGiven(route_path.substr(0, route_path.rfind(".routes[")) + ".retry_policy");
  }
  Note& note = root.add("retries", "", std::move(at));
  note.add("on", conditionsText(retry.on));
  note.addBare("at_most", absl::StrCat(retry.retries));
  note.add("per_try_timeout", durationText(retry.per_try_timeout));
  note.add("back_off",
           absl::StrCat(absl::FormatDuration(retry.back_off_base), " to ", absl::FormatDuration(retry.back_off_max)));
  if (!retry.status_codes.empty()) note.add("status_codes", absl::StrJoin(retry.status_codes, ","));
  if (retry.other_host) note.add("host", "another one than before, where there is one");
  if (!retry.omitted.empty()) note.add("host_metadata", "hosts that are ruled out by it are avoided");
  if (retry.priority_update > 0) {
    note.add("priority", absl::StrCat("others than before, after every ", retry.priority_update, " attempts"));
  }
  if (action.policy->hedge_on_per_try_timeout) note.add("hedge", "a second attempt beside a slow one");
}

}  // namespace weir::server
