#include "source/extensions/clusters/compile_lb.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "source/extensions/clusters/compile_lb_policy.h"
#include "source/extensions/clusters/lb_options.h"

namespace weir::extensions {
namespace {

namespace lb = upstream::lb;
using base::Diagnostics;
using base::FieldPath;
using envoy::config::cluster::v3::Cluster;

void compilePolicy(const Cluster& message, bool chooses, lb::Options& options, Diagnostics& diagnostics,
                   const FieldPath& path) {
  switch (message.lb_policy()) {
    case Cluster::ROUND_ROBIN:
      options.policy = lb::PolicyKind::kRoundRobin;
      break;
    case Cluster::LEAST_REQUEST:
      options.policy = lb::PolicyKind::kLeastRequest;
      break;
    case Cluster::RANDOM:
      options.policy = lb::PolicyKind::kRandom;
      break;
    case Cluster::RING_HASH:
      options.policy = lb::PolicyKind::kRingHash;
      break;
    case Cluster::MAGLEV:
      options.policy = lb::PolicyKind::kMaglev;
      break;
    case Cluster::CLUSTER_PROVIDED:
      if (chooses) break;
      diagnostics.error(
          path.at("lb_policy"),
          "CLUSTER_PROVIDED; allowed where the cluster chooses the host: with type ORIGINAL_DST and with the "
          "cluster_type envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig or "
          "envoy.extensions.clusters.aggregate.v3.ClusterConfig");
      break;
    case Cluster::LOAD_BALANCING_POLICY_CONFIG:
      diagnostics.error(path.at("lb_policy"), "LOAD_BALANCING_POLICY_CONFIG; allowed beside load_balancing_policy");
      break;
    default:
      diagnostics.error(
          path.at("lb_policy"),
          absl::StrCat("lb_policy ", Cluster::LbPolicy_Name(message.lb_policy()),
                       " is not implemented by weir; allowed: ROUND_ROBIN, LEAST_REQUEST, RANDOM, RING_HASH, MAGLEV"));
  }
}

void belongs(bool fits, const char* policy, Diagnostics& diagnostics, const FieldPath& path) {
  if (!fits) diagnostics.warning(path, absl::StrCat("has no effect; it belongs to lb_policy ", policy));
}

// The options of the policies; those of another one than the cluster's are checked all the same.
void compilePolicyOptions(const Cluster& message, lb::Options& options, Diagnostics& diagnostics,
                          const FieldPath& path) {
  switch (message.lb_config_case()) {
    case Cluster::kRoundRobinLbConfig: {
      const FieldPath at = path.at("round_robin_lb_config");
      belongs(message.lb_policy() == Cluster::ROUND_ROBIN, "ROUND_ROBIN", diagnostics, at);
      compileSlowStart(message.round_robin_lb_config().slow_start_config(), options.slow_start, diagnostics,
                       at.at("slow_start_config"));
      break;
    }
    case Cluster::kLeastRequestLbConfig: {
      const FieldPath at = path.at("least_request_lb_config");
      const Cluster::LeastRequestLbConfig& from = message.least_request_lb_config();
      belongs(message.lb_policy() == Cluster::LEAST_REQUEST, "LEAST_REQUEST", diagnostics, at);
      compileLeastRequest(from, options, diagnostics, at);
      break;
    }
    case Cluster::kRingHashLbConfig:
      belongs(message.lb_policy() == Cluster::RING_HASH, "RING_HASH", diagnostics, path.at("ring_hash_lb_config"));
      compileRing(message.ring_hash_lb_config(), options, diagnostics, path.at("ring_hash_lb_config"));
      break;
    case Cluster::kMaglevLbConfig:
      belongs(message.lb_policy() == Cluster::MAGLEV, "MAGLEV", diagnostics, path.at("maglev_lb_config"));
      compileTable(message.maglev_lb_config(), options, diagnostics, path.at("maglev_lb_config"));
      break;
    case Cluster::kOriginalDstLbConfig:  // see compileDiscovery
    case Cluster::LB_CONFIG_NOT_SET:
      break;
  }
}

void compileCommon(const Cluster::CommonLbConfig& from, lb::Options& to, Diagnostics& diagnostics,
                   const FieldPath& path) {
  if (from.has_healthy_panic_threshold()) to.panic_threshold = from.healthy_panic_threshold().value();
  to.locality_weighted = to.locality_weighted || from.has_locality_weighted_lb_config();
  if (from.has_zone_aware_lb_config()) {
    belongs(to.policy != lb::PolicyKind::kRingHash && to.policy != lb::PolicyKind::kMaglev,
            "ROUND_ROBIN, LEAST_REQUEST or RANDOM", diagnostics, path.at("zone_aware_lb_config"));
    compileZoneAware(from.zone_aware_lb_config(), to);
  }
  if (!from.has_consistent_hashing_lb_config()) return;
  const Cluster::CommonLbConfig::ConsistentHashingLbConfig& hashing = from.consistent_hashing_lb_config();
  const bool by_hash = to.policy == lb::PolicyKind::kRingHash || to.policy == lb::PolicyKind::kMaglev;
  belongs(by_hash, "RING_HASH or MAGLEV", diagnostics, path.at("consistent_hashing_lb_config"));
  compileHashing(hashing, to);
}

}  // namespace

void compileLb(const Cluster& message, bool chooses, lb::Options& options, Diagnostics& diagnostics,
               const FieldPath& path) {
  if (message.has_load_balancing_policy()) {
    // Takes the place of lb_policy, whatever that says.
    compileLbPolicy(message.load_balancing_policy(), options, diagnostics, path.at("load_balancing_policy"));
  } else {
    compilePolicy(message, chooses, options, diagnostics, path);
  }
  compilePolicyOptions(message, options, diagnostics, path);
  if (message.has_common_lb_config()) {
    compileCommon(message.common_lb_config(), options, diagnostics, path.at("common_lb_config"));
  }
  if (message.has_lb_subset_config()) {
    options.subsets = compileSubsets(message.lb_subset_config(), diagnostics, path.at("lb_subset_config"));
  }
  const auto& policy = message.load_assignment().policy();
  if (policy.has_overprovisioning_factor()) options.overprovisioning_percent = policy.overprovisioning_factor().value();
  options.weighted_priority_health = policy.weighted_priority_health();
}

}  // namespace weir::extensions
