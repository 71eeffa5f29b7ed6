#include "source/extensions/clusters/compile_lb_policy.h"

#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/extensions/load_balancing_policies/common/v3/common.pb.h"
#include "envoy/extensions/load_balancing_policies/least_request/v3/least_request.pb.h"
#include "envoy/extensions/load_balancing_policies/maglev/v3/maglev.pb.h"
#include "envoy/extensions/load_balancing_policies/override_host/v3/override_host.pb.h"
#include "envoy/extensions/load_balancing_policies/pick_first/v3/pick_first.pb.h"
#include "envoy/extensions/load_balancing_policies/random/v3/random.pb.h"
#include "envoy/extensions/load_balancing_policies/ring_hash/v3/ring_hash.pb.h"
#include "envoy/extensions/load_balancing_policies/round_robin/v3/round_robin.pb.h"
#include "envoy/extensions/load_balancing_policies/subset/v3/subset.pb.h"
#include "envoy/extensions/load_balancing_policies/wrr_locality/v3/wrr_locality.pb.h"
#include "source/base/random.h"
#include "source/extensions/clusters/lb_options.h"
#include "source/extensions/messages/duration.h"
#include "source/extensions/messages/unpack_any.h"
#include "source/extensions/routes/compile_hash_policy.h"
#include "weir/extensions/load_balancing_policies/peak_ewma/v1/peak_ewma.pb.h"

namespace weir::extensions {
namespace {

namespace lb = upstream::lb;
namespace policies = envoy::extensions::load_balancing_policies;
using base::Diagnostics;
using base::FieldPath;
using envoy::config::cluster::v3::LoadBalancingPolicy;
using google::protobuf::DynamicCastToGenerated;
using google::protobuf::Message;
using weir::extensions::load_balancing_policies::peak_ewma::v1::PeakEwma;

constexpr uint32_t kForceLocalZone = 1;

void compileLocalities(const policies::common::v3::LocalityLbConfig& from, lb::Options& to) {
  to.locality_weighted |= from.has_locality_weighted_lb_config();
  if (!from.has_zone_aware_lb_config()) return;
  const auto& zones = from.zone_aware_lb_config();
  compileZoneAware(zones, to);
  if (!zones.has_force_local_zone()) return;
  const auto& force = zones.force_local_zone();
  to.zone_aware->force_local_above = force.has_min_size() ? force.min_size().value() : kForceLocalZone;
}

void compile(const policies::round_robin::v3::RoundRobin& from, lb::Options& to, Diagnostics& diagnostics,
             const FieldPath& path) {
  to.policy = lb::PolicyKind::kRoundRobin;
  compileSlowStart(from.slow_start_config(), to.slow_start, diagnostics, path.at("slow_start_config"));
  compileLocalities(from.locality_lb_config(), to);
}

void compile(const policies::least_request::v3::LeastRequest& from, lb::Options& to, Diagnostics& diagnostics,
             const FieldPath& path) {
  to.policy = lb::PolicyKind::kLeastRequest;
  compileLeastRequest(from, to, diagnostics, path);
  compileLocalities(from.locality_lb_config(), to);
}

void compile(const policies::random::v3::Random& from, lb::Options& to, Diagnostics&, const FieldPath&) {
  to.policy = lb::PolicyKind::kRandom;
  compileLocalities(from.locality_lb_config(), to);
}

void compileHashes(const policies::common::v3::ConsistentHashingLbConfig& from, lb::Options& to,
                   Diagnostics& diagnostics, const FieldPath& path) {
  compileHashing(from, to);
  to.hash_policy = compileHashPolicy(from.hash_policy(), diagnostics, path);
}

void compile(const policies::ring_hash::v3::RingHash& from, lb::Options& to, Diagnostics& diagnostics,
             const FieldPath& path) {
  to.policy = lb::PolicyKind::kRingHash;
  compileRing(from, to, diagnostics, path);
  compileHashes(from.consistent_hashing_lb_config(), to, diagnostics, path.at("consistent_hashing_lb_config"));
  to.locality_weighted |= from.has_locality_weighted_lb_config();
}

void compile(const policies::maglev::v3::Maglev& from, lb::Options& to, Diagnostics& diagnostics,
             const FieldPath& path) {
  to.policy = lb::PolicyKind::kMaglev;
  compileTable(from, to, diagnostics, path);
  compileHashes(from.consistent_hashing_lb_config(), to, diagnostics, path.at("consistent_hashing_lb_config"));
  to.locality_weighted |= from.has_locality_weighted_lb_config();
}

void compile(const policies::pick_first::v3::PickFirst& from, lb::Options& to, Diagnostics&, const FieldPath&) {
  to.policy = lb::PolicyKind::kPickFirst;
  if (from.shuffle_address_list()) to.shuffle_seed = base::Random::entropy() | 1;
}

void above(absl::Duration value, Diagnostics& diagnostics, const FieldPath& path) {
  if (value <= absl::ZeroDuration()) diagnostics.error(path, "not above zero; allowed: a duration above 0s");
}

void compile(const PeakEwma& from, lb::Options& to, Diagnostics& diagnostics, const FieldPath& path) {
  to.policy = lb::PolicyKind::kPeakEwma;
  if (from.has_decay_time()) to.latency.decay = durationOf(from.decay_time());
  if (from.has_default_latency()) to.latency.initial = durationOf(from.default_latency());
  if (from.has_failure_penalty()) to.latency.failure_penalty = durationOf(from.failure_penalty());
  above(to.latency.decay, diagnostics, path.at("decay_time"));
  above(to.latency.initial, diagnostics, path.at("default_latency"));
  above(to.latency.failure_penalty, diagnostics, path.at("failure_penalty"));
}

void compile(const policies::wrr_locality::v3::WrrLocality& from, lb::Options& to, Diagnostics& diagnostics,
             const FieldPath& path) {
  to.locality_weighted = true;
  compileLbPolicy(from.endpoint_picking_policy(), to, diagnostics, path.at("endpoint_picking_policy"));
}

void compile(const policies::override_host::v3::OverrideHost& from, lb::Options& to, Diagnostics& diagnostics,
             const FieldPath& path) {
  for (const auto& source : from.override_host_sources()) {
    to.override_headers.push_back(absl::AsciiStrToLower(source.header()));
  }
  compileLbPolicy(from.fallback_policy(), to, diagnostics, path.at("fallback_policy"));
}

void compile(const policies::subset::v3::Subset& from, lb::Options& to, Diagnostics& diagnostics,
             const FieldPath& path) {
  to.subsets = compileSubsets(from, diagnostics, path);
  compileLbPolicy(from.subset_lb_policy(), to, diagnostics, path.at("subset_lb_policy"));
}

// Whether it is of that type.
template <typename Policy>
bool compiled(const Message& message, lb::Options& options, Diagnostics& diagnostics, const FieldPath& path) {
  const Policy* const policy = DynamicCastToGenerated<const Policy>(&message);
  if (policy == nullptr) return false;
  compile(*policy, options, diagnostics, path);
  return true;
}

template <typename... Policies>
bool compiledAsOneOf(const Message& message, lb::Options& options, Diagnostics& diagnostics, const FieldPath& path) {
  return (compiled<Policies>(message, options, diagnostics, path) || ...);
}

}  // namespace

void compileLbPolicy(const LoadBalancingPolicy& message, lb::Options& options, Diagnostics& diagnostics,
                     const FieldPath& path) {
  if (message.policies().empty()) {
    diagnostics.error(path.at("policies"), "no policies; allowed: one or more");
    return;
  }
  const FieldPath first = path.at("policies", 0);
  const FieldPath extension = first.at("typed_extension_config");
  const FieldPath at = extension.at("typed_config");
  const std::unique_ptr<Message> policy =
      unpackAny(message.policies(0).typed_extension_config().typed_config(), diagnostics, at);
  if (policy == nullptr) return;
  if (compiledAsOneOf<policies::round_robin::v3::RoundRobin, policies::least_request::v3::LeastRequest,
                      policies::random::v3::Random, policies::ring_hash::v3::RingHash, policies::maglev::v3::Maglev,
                      policies::pick_first::v3::PickFirst, policies::wrr_locality::v3::WrrLocality,
                      policies::override_host::v3::OverrideHost, policies::subset::v3::Subset, PeakEwma>(
          *policy, options, diagnostics, at)) {
    return;
  }
  diagnostics.error(at, absl::StrCat("is a ", policy->GetDescriptor()->full_name(),
                                     "; allowed: RoundRobin, LeastRequest, Random, RingHash, Maglev, PickFirst, "
                                     "WrrLocality, OverrideHost, Subset, PeakEwma"));
}

}  // namespace weir::extensions
