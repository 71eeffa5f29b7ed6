// lb::Options: how a cluster balances, as plain values. Made from configuration at load, then const. The defaults are
// those of the xDS API.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/upstream/lb/maglev.h"
#include "source/upstream/lb/peak_ewma.h"
#include "source/upstream/lb/ring_hash.h"
#include "source/upstream/lb/slow_start.h"
#include "source/upstream/lb/subset_index.h"
#include "source/upstream/lb/zone_aware.h"

namespace weir::proxy {
class HashPolicy;  // source/proxy/routes/hash_policy.h
}

namespace weir::upstream::lb {

enum class PolicyKind : uint8_t { kRoundRobin, kLeastRequest, kRandom, kRingHash, kMaglev, kPickFirst, kPeakEwma };

struct Options {
  PolicyKind policy = PolicyKind::kRoundRobin;
  // Least request.
  uint32_t choice_count = 2;         // 2 at least
  double active_request_bias = 1.0;  // 0 or more
  // Ring hash and Maglev.
  HashRing::Size ring;
  uint32_t table_size = MaglevTable::kDefaultSize;  // a prime
  bool hash_by_hostname = false;                    // what names a host: its hostname, or its address
  uint32_t hash_balance_factor = 0;                 // percent, 100 or more; 0: loads are not bounded
  // What of a request is hashed, in place of what its route says; the proxy's, which applies it. Null: what that says.
  std::shared_ptr<const proxy::HashPolicy> hash_policy;
  // Pick first: shuffled by this number. 0: in the order of the list.
  uint64_t shuffle_seed = 0;
  LatencyEstimates::Options latency;  // peak EWMA
  SlowStart slow_start;

  // Percent of a level's hosts that must be usable; below it, health is disregarded. 0: never.
  double panic_threshold = 50;
  bool fail_in_panic = false;  // then there is no host, rather than any
  uint32_t overprovisioning_percent = 140;
  bool weighted_priority_health = false;                // weights are counted, not hosts
  bool locality_weighted = false;                       // by the weights of localities
  std::optional<ZoneOptions> zone_aware;                // not with localities by weight, nor with hashes
  std::shared_ptr<const SubsetIndex::Options> subsets;  // null: none
  std::vector<std::string> override_headers;            // of requests that say which host they are for; lower case
};

}  // namespace weir::upstream::lb
