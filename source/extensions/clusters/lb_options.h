// The options of load balancing policies that the xDS API has twice, in the Cluster and in the typed extensions, with
// the same fields in messages of different types; hence templates. Used at load by compile_lb.cc and
// compile_lb_policy.cc alone.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "source/base/diagnostics.h"
#include "source/extensions/messages/duration.h"
#include "source/extensions/messages/metadata.h"
#include "source/upstream/lb/options.h"

namespace weir::extensions {

template <typename SlowStartConfig>
void compileSlowStart(const SlowStartConfig& from, upstream::lb::SlowStart& to, base::Diagnostics& diagnostics,
                      const base::FieldPath& path) {
  if (from.has_slow_start_window()) to.window = durationOf(from.slow_start_window());
  if (to.window < absl::ZeroDuration()) {
    diagnostics.error(path.at("slow_start_window"), "below zero; allowed: 0s and above");
  }
  if (from.has_aggression()) {
    to.aggression = from.aggression().default_value();
    if (!(to.aggression > 0)) {
      diagnostics.error(path.at("aggression").at("default_value"),
                        absl::StrCat(to.aggression, "; allowed: numbers above 0"));
    }
  }
  if (from.has_min_weight_percent()) to.min_weight_percent = from.min_weight_percent().value();
}

template <typename LeastRequest>
void compileLeastRequest(const LeastRequest& from, upstream::lb::Options& to, base::Diagnostics& diagnostics,
                         const base::FieldPath& path) {
  if (from.has_choice_count()) to.choice_count = from.choice_count().value();
  if (from.has_active_request_bias()) to.active_request_bias = from.active_request_bias().default_value();
  if (!(to.active_request_bias >= 0)) {
    diagnostics.error(path.at("active_request_bias").at("default_value"),
                      absl::StrCat(to.active_request_bias, "; allowed: 0 and above"));
  }
  compileSlowStart(from.slow_start_config(), to.slow_start, diagnostics, path.at("slow_start_config"));
}

template <typename RingHash>
void compileRing(const RingHash& from, upstream::lb::Options& to, base::Diagnostics& diagnostics,
                 const base::FieldPath& path) {
  if (from.has_minimum_ring_size()) to.ring.min = from.minimum_ring_size().value();
  if (from.has_maximum_ring_size()) to.ring.max = from.maximum_ring_size().value();
  if (to.ring.min > to.ring.max) {
    diagnostics.error(path.at("maximum_ring_size"), absl::StrCat(to.ring.max, " is below minimum_ring_size, ",
                                                                 to.ring.min, "; allowed: that and above"));
  }
  if (from.hash_function() == RingHash::MURMUR_HASH_2) {
    diagnostics.warning(path.at("hash_function"), "has no effect; weir places endpoints by a hash of its own");
  }
}

template <typename Maglev>
void compileTable(const Maglev& from, upstream::lb::Options& to, base::Diagnostics& diagnostics,
                  const base::FieldPath& path) {
  if (!from.has_table_size()) return;
  const auto size = static_cast<uint32_t>(from.table_size().value());
  if (size > 2 && upstream::lb::MaglevTable::isPrime(size)) {
    to.table_size = size;
  } else {
    diagnostics.error(path.at("table_size"),
                      absl::StrCat(from.table_size().value(), " is not a prime; allowed: primes from 3 to 5000011"));
  }
}

template <typename ZoneAware>
void compileZoneAware(const ZoneAware& from, upstream::lb::Options& to) {
  upstream::lb::ZoneOptions& zones = to.zone_aware.emplace();
  if (from.has_routing_enabled()) zones.routing_enabled = from.routing_enabled().value();
  if (from.has_min_cluster_size()) zones.min_cluster_size = from.min_cluster_size().value();
  to.fail_in_panic = from.fail_traffic_on_panic();
}

template <typename ConsistentHashing>
void compileHashing(const ConsistentHashing& from, upstream::lb::Options& to) {
  to.hash_by_hostname = from.use_hostname_for_hashing();
  if (from.has_hash_balance_factor()) to.hash_balance_factor = from.hash_balance_factor().value();
}

template <typename Selector>
std::optional<upstream::lb::SubsetIndex::Fallback> selectorFallback(const Selector& from) {
  switch (from.fallback_policy()) {
    case Selector::NO_FALLBACK:
      return upstream::lb::SubsetIndex::Fallback::kNone;
    case Selector::ANY_ENDPOINT:
      return upstream::lb::SubsetIndex::Fallback::kAnyHost;
    case Selector::DEFAULT_SUBSET:
      return upstream::lb::SubsetIndex::Fallback::kDefaultSubset;
    case Selector::KEYS_SUBSET:
      return upstream::lb::SubsetIndex::Fallback::kFewerKeys;
    default:
      return std::nullopt;
  }
}

template <typename Selector>
void checkFallbackKeys(const Selector& from, base::Diagnostics& diagnostics, const base::FieldPath& path) {
  const std::set<std::string> keys(from.keys().begin(), from.keys().end());
  const std::set<std::string> fewer(from.fallback_keys_subset().begin(), from.fallback_keys_subset().end());
  const base::FieldPath at = path.at("fallback_keys_subset");
  if (from.fallback_policy() != Selector::KEYS_SUBSET) {
    if (!fewer.empty()) diagnostics.error(at, "given without fallback_policy KEYS_SUBSET; allowed: with that alone");
  } else if (fewer.empty() || fewer.size() >= keys.size() ||
             !std::includes(keys.begin(), keys.end(), fewer.begin(), fewer.end())) {
    diagnostics.error(at, "not a part of the selector's keys; allowed: some of them, not all");
  }
}

template <typename Selector>
upstream::lb::SubsetIndex::Selector compileSelector(const Selector& from, base::Diagnostics& diagnostics,
                                                    const base::FieldPath& path) {
  if (from.keys().empty()) diagnostics.error(path.at("keys"), "no keys; allowed: one or more");
  checkFallbackKeys(from, diagnostics, path);
  if (from.single_host_per_subset() && from.keys_size() != 1) {
    diagnostics.error(path.at("single_host_per_subset"), "given with several keys; allowed: with one key alone");
  }
  upstream::lb::SubsetIndex::Selector to;
  to.keys = {from.keys().begin(), from.keys().end()};
  to.fallback = selectorFallback(from);
  to.fallback_keys = {from.fallback_keys_subset().begin(), from.fallback_keys_subset().end()};
  to.single_host = from.single_host_per_subset();
  return to;
}

template <typename Subsets>
std::shared_ptr<const upstream::lb::SubsetIndex::Options> compileSubsets(const Subsets& from,
                                                                         base::Diagnostics& diagnostics,
                                                                         const base::FieldPath& path) {
  // Without selectors there is nothing that a route could ask for.
  if (from.subset_selectors().empty()) return nullptr;
  auto to = std::make_shared<upstream::lb::SubsetIndex::Options>();
  for (int i = 0; i < from.subset_selectors_size(); ++i) {
    to->selectors.push_back(
        compileSelector(from.subset_selectors(i), diagnostics, path.at("subset_selectors", static_cast<size_t>(i))));
  }
  if (from.fallback_policy() == Subsets::ANY_ENDPOINT) to->fallback = upstream::lb::SubsetIndex::Fallback::kAnyHost;
  if (from.fallback_policy() == Subsets::DEFAULT_SUBSET)
    to->fallback = upstream::lb::SubsetIndex::Fallback::kDefaultSubset;
  for (const auto& [key, value] : from.default_subset().fields()) {
    to->default_subset.emplace_back(key, lbMetadataValue(value));
  }
  std::sort(to->default_subset.begin(), to->default_subset.end());
  return to;
}

}  // namespace weir::extensions
