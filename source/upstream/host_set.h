// HostSet: the hosts of a cluster at one moment, with the balancer over them: what a worker picks from. Immutable;
// made on the main thread by Cluster (the first one) and ClusterHosts (all others), shared by workers.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "source/base/clock.h"
#include "source/upstream/host.h"
#include "source/upstream/lb/balancer.h"
#include "source/upstream/transport_match.h"

namespace weir::upstream {

// Why a host is not, or not only, healthy. The names in /clusters are those of Envoy.
enum class HealthFlag : uint16_t {
  kFailedActiveCheck = 1 << 0,
  kFailedOutlierCheck = 1 << 1,
  kFailedDiscovery = 1 << 2,  // UNHEALTHY or TIMEOUT
  kDegradedActiveCheck = 1 << 3,
  kDegradedDiscovery = 1 << 4,
  kPendingActiveCheck = 1 << 5,  // not checked yet
  kExcludedByCheck = 1 << 6,     // failed at once because it said so: not counted for panic
  kActiveCheckTimeout = 1 << 7,  // the last check got no answer in time; says why, not whether
  kDrainingDiscovery = 1 << 8,
  kDrainingAdmin = 1 << 9,
  kPendingRemoval = 1 << 10,  // discovery does not list it any more; stays until a check fails
};

class HealthFlags {
 public:
  bool has(HealthFlag flag) const { return (bits_ & static_cast<uint16_t>(flag)) != 0; }
  void set(HealthFlag flag, bool on) {
    bits_ = static_cast<uint16_t>(on ? bits_ | static_cast<uint16_t>(flag) : bits_ & ~static_cast<uint16_t>(flag));
  }
  uint16_t bits() const { return bits_; }
  lb::Status status() const;
  friend bool operator==(HealthFlags, HealthFlags) = default;

 private:
  uint16_t bits_ = 0;
};

// A host with what holds for it now. Main thread.
struct HostEntry {
  HostEntry(const HostSpec& spec, std::shared_ptr<const Host> shared, base::MonotonicTime now);
  // Takes over all but the identity. Whether anything differs.
  bool assign(const HostSpec& spec);
  uint32_t effectiveWeight() const { return weight_override != 0 ? weight_override : weight; }

  std::shared_ptr<const Host> host;
  std::shared_ptr<const HostGroup> group;        // null: priority 0, no locality
  std::shared_ptr<const lb::Metadata> metadata;  // null: none
  uint32_t weight;
  uint32_t weight_override = 0;  // by the operator; 0: none
  HealthFlags flags;
  bool no_health_check;
  base::MonotonicTime healthy_since;  // for slow start
  net::Address health_address;
  std::string health_hostname;
};

// The cluster that this proxy belongs to, where the configuration names it: what zone aware routing goes by.
struct LocalCluster {
  Locality own;                          // the proxy's
  std::map<Locality, uint64_t> healthy;  // hosts, where there are some
  bool panics = false;                   // too few of them are healthy
  friend bool operator==(const LocalCluster&, const LocalCluster&) = default;
};

struct HostSet {
  // By slot; null where a slot is free.
  std::vector<std::shared_ptr<const Host>> hosts;
  lb::Balancer balancer;
  size_t total = 0;
  size_t healthy = 0;
  size_t degraded = 0;
  size_t excluded = 0;
  bool in_slow_start = false;       // some host's weight is still growing
  std::vector<uint8_t> priorities;  // by slot; empty when all are 0
  // By slot; empty when no host has any. Null where a host has none.
  std::vector<std::shared_ptr<const lb::Metadata>> metadata;

  // `slots` is one more than the highest slot in use. `now` is for slow start. `local` is null where nothing is known.
  HostSet(const std::vector<HostEntry>& entries, size_t slots, const lb::Options& options, base::MonotonicTime now,
          const LocalCluster* local = nullptr);
  // The host with that address, as in Host::text, unless it is unhealthy. Only where requests may ask for it
  // (lb::Options::override_headers).
  std::optional<uint32_t> usableAt(std::string_view text) const;
  uint32_t priorityOf(const Host& host) const { return priorities.empty() ? 0 : priorities[host.slot]; }
  // Whether the host in that slot has all of these pairs; `wanted` is not empty.
  bool hasMetadata(uint32_t slot, const lb::Metadata& wanted) const;
  bool contains(const Host& host) const { return host.slot < hosts.size() && hosts[host.slot].get() == &host; }

 private:
  absl::flat_hash_map<std::string_view, uint32_t> usable_;  // by address
};

// Of hosts that were there from the beginning.
inline constexpr base::MonotonicTime kLongAgo{-(int64_t{1} << 61)};

// One entry for each, slots in order. `matches` are those of the cluster, and outlive the hosts.
std::vector<HostEntry> makeEntries(const std::vector<HostSpec>& specs, base::MonotonicTime now,
                                   const std::vector<TransportMatch>& matches = {});

}  // namespace weir::upstream
