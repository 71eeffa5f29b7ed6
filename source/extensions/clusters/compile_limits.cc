#include "source/extensions/clusters/compile_limits.h"

#include <optional>
#include <set>

#include "absl/strings/str_cat.h"
#include "envoy/config/cluster/v3/cluster.pb.h"

namespace weir::extensions {
namespace {

namespace cluster_v3 = envoy::config::cluster::v3;
namespace core_v3 = envoy::config::core::v3;
using base::Diagnostics;
using base::FieldPath;

void compileThresholds(const cluster_v3::CircuitBreakers& message, upstream::ClusterConfig& config,
                       Diagnostics& diagnostics, const FieldPath& path) {
  std::set<int> seen;
  for (int i = 0; i < message.thresholds_size(); ++i) {
    const cluster_v3::CircuitBreakers::Thresholds& from = message.thresholds(i);
    if (!seen.insert(from.priority()).second) {
      diagnostics.error(path.at("thresholds", static_cast<size_t>(i)).at("priority"),
                        absl::StrCat("thresholds for priority ", core_v3::RoutingPriority_Name(from.priority()),
                                     " were given before; allowed: one entry for each priority"));
      continue;
    }
    upstream::Thresholds& to = config.thresholds[from.priority() == core_v3::HIGH ? 1 : 0];
    if (from.has_max_connections()) to.max_connections = from.max_connections().value();
    if (from.has_max_pending_requests()) to.max_pending_requests = from.max_pending_requests().value();
    if (from.has_max_requests()) to.max_requests = from.max_requests().value();
    if (from.has_max_retries()) {
      to.max_retries = from.max_retries().value();
      to.retry_budget.reset();
    }
    if (from.has_max_connection_pools()) to.max_connection_pools = from.max_connection_pools().value();
    to.track_remaining = from.track_remaining();
    if (!from.has_retry_budget()) continue;
    upstream::RetryBudget& budget = to.retry_budget.emplace();
    if (from.retry_budget().has_budget_percent()) budget.percent = from.retry_budget().budget_percent().value();
    if (from.retry_budget().has_min_retry_concurrency()) {
      budget.min_concurrency = from.retry_budget().min_retry_concurrency().value();
    }
  }
}

// Of all limits a host has one of its own: that of connections.
void compileHostThresholds(const cluster_v3::CircuitBreakers& message, upstream::ClusterConfig& config,
                           Diagnostics& diagnostics, const FieldPath& path) {
  for (int i = 0; i < message.per_host_thresholds_size(); ++i) {
    const cluster_v3::CircuitBreakers::Thresholds& from = message.per_host_thresholds(i);
    const FieldPath at = path.at("per_host_thresholds", static_cast<size_t>(i));
    if (from.has_max_pending_requests() || from.has_max_requests() || from.has_max_retries() ||
        from.has_max_connection_pools() || from.track_remaining() || from.has_retry_budget()) {
      diagnostics.error(at, "has a limit that is not implemented for single hosts; allowed: max_connections");
    }
    std::optional<uint32_t>& limit = config.thresholds[from.priority() == core_v3::HIGH ? 1 : 0].host_max_connections;
    if (limit.has_value()) {
      diagnostics.error(at.at("priority"),
                        "thresholds for this priority were given before; allowed: one entry for "
                        "each priority");
    }
    if (from.has_max_connections()) limit = from.max_connections().value();
  }
}

void compilePreconnect(const cluster_v3::Cluster::PreconnectPolicy& from, upstream::ClusterConfig& config,
                       Diagnostics& diagnostics, const FieldPath& path) {
  if (from.has_per_upstream_preconnect_ratio()) config.preconnect_ratio = from.per_upstream_preconnect_ratio().value();
  if (!from.has_predictive_preconnect_ratio() || from.predictive_preconnect_ratio().value() <= 1) return;
  const upstream::lb::PolicyKind policy = config.lb.policy;
  if (policy == upstream::lb::PolicyKind::kRingHash || policy == upstream::lb::PolicyKind::kMaglev ||
      config.demand != nullptr) {
    diagnostics.warning(path.at("predictive_preconnect_ratio"),
                        "has no effect in this cluster; where the next request goes depends on that request");
    return;
  }
  config.predictive_preconnect_ratio = from.predictive_preconnect_ratio().value();
}

}  // namespace

void compileLimits(const cluster_v3::Cluster& message, upstream::ClusterConfig& config, Diagnostics& diagnostics,
                   const FieldPath& path) {
  // A fixed number is too few for a busy cluster and too many for a failing one: it holds only where it is asked for.
  for (upstream::Thresholds& thresholds : config.thresholds) thresholds.retry_budget.emplace();
  if (message.has_circuit_breakers()) {
    compileThresholds(message.circuit_breakers(), config, diagnostics, path.at("circuit_breakers"));
    compileHostThresholds(message.circuit_breakers(), config, diagnostics, path.at("circuit_breakers"));
  }
  if (message.has_preconnect_policy()) {
    compilePreconnect(message.preconnect_policy(), config, diagnostics, path.at("preconnect_policy"));
  }
}

}  // namespace weir::extensions
