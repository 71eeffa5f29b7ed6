// The options of load balancing policies that the xDS API has twice, in the Cluster and in the typed extensions, with
// the same fields in messages of different types; hence templates. Used at load by compile_lb.cc and
// compile_lb_policy.cc alone.
#pragma once

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "source/base/diagnostics.h"
#include "source/extensions/messages/duration.h"
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

}  // namespace weir::extensions
