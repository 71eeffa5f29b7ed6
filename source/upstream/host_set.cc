#include "source/upstream/host_set.h"

#include <algorithm>
#include <map>
#include <utility>

namespace weir::upstream {
namespace {

constexpr uint16_t kUnhealthy =
    static_cast<uint16_t>(HealthFlag::kFailedActiveCheck) | static_cast<uint16_t>(HealthFlag::kFailedOutlierCheck) |
    static_cast<uint16_t>(HealthFlag::kFailedDiscovery) | static_cast<uint16_t>(HealthFlag::kDrainingDiscovery) |
    static_cast<uint16_t>(HealthFlag::kDrainingAdmin);
constexpr uint16_t kDegraded =
    static_cast<uint16_t>(HealthFlag::kDegradedActiveCheck) | static_cast<uint16_t>(HealthFlag::kDegradedDiscovery);

HealthFlags withHealth(HealthFlags flags, HostHealth health) {
  flags.set(HealthFlag::kFailedDiscovery, health == HostHealth::kUnhealthy || health == HostHealth::kTimeout);
  flags.set(HealthFlag::kDrainingDiscovery, health == HostHealth::kDraining);
  flags.set(HealthFlag::kDegradedDiscovery, health == HostHealth::kDegraded);
  flags.set(HealthFlag::kPendingRemoval, false);
  return flags;
}

template <typename T>
bool sameValue(const std::shared_ptr<const T>& a, const std::shared_ptr<const T>& b) {
  return a == b || (a != nullptr && b != nullptr && *a == *b);
}

bool sameGroup(const std::shared_ptr<const HostGroup>& a, const std::shared_ptr<const HostGroup>& b) {
  if (a == b) return true;
  return a != nullptr && b != nullptr && a->priority == b->priority && a->weight == b->weight &&
         a->locality == b->locality;
}

// In slow start weights are this much finer, so that part of a weight of 1 is a number too.
constexpr uint32_t kFiner = 100;

uint32_t weightNow(const HostEntry& entry, const lb::SlowStart& slow_start, base::MonotonicTime now) {
  const uint32_t weight = std::max(entry.effectiveWeight(), 1u);
  if (slow_start.window <= absl::ZeroDuration()) return weight;
  return slow_start.weight(std::min(weight, UINT32_MAX / kFiner) * kFiner, now - entry.healthy_since);
}

std::vector<lb::BalancerHost> balancerHosts(const std::vector<HostEntry>& entries, const lb::Options& options,
                                            base::MonotonicTime now, std::map<Locality, uint32_t>& localities) {
  std::vector<lb::BalancerHost> out;
  out.reserve(entries.size());
  const HostGroup* last = nullptr;
  uint32_t locality = 0;
  for (const HostEntry& entry : entries) {
    if (entry.flags.has(HealthFlag::kDrainingAdmin)) continue;  // not even in a panic
    lb::BalancerHost& to = out.emplace_back();
    to.slot = entry.host->slot;
    to.weight = weightNow(entry, options.slow_start, now);
    to.status = entry.flags.status();
    to.excluded = entry.flags.has(HealthFlag::kExcludedByCheck);
    to.key = options.hash_by_hostname && !entry.host->hostname.empty() ? entry.host->hostname : entry.host->text;
    to.metadata = entry.metadata.get();
    if (entry.group == nullptr) continue;
    // Hosts of one group mostly stand together.
    if (std::exchange(last, entry.group.get()) != entry.group.get()) {
      locality = localities.emplace(entry.group->locality, static_cast<uint32_t>(localities.size() + 1)).first->second;
    }
    to.priority = entry.group->priority;
    to.locality = locality;
    to.locality_weight = entry.group->weight;
  }
  return out;
}

// With the numbers that the hosts' localities have; others get the next ones.
lb::LocalZones zonesOf(const LocalCluster& local, std::map<Locality, uint32_t>& localities) {
  lb::LocalZones zones;
  const auto numberOf = [&localities](const Locality& locality) {
    return localities.emplace(locality, static_cast<uint32_t>(localities.size() + 1)).first->second;
  };
  zones.own = numberOf(local.own);
  for (const auto& [locality, healthy] : local.healthy) {
    const uint32_t number = numberOf(locality);
    if (number >= zones.hosts.size()) zones.hosts.resize(number + 1, 0);
    zones.hosts[number] = healthy;
  }
  zones.panics = local.panics;
  return zones;
}

lb::Balancer makeBalancer(const std::vector<HostEntry>& entries, const lb::Options& options, base::MonotonicTime now,
                          const LocalCluster* local) {
  std::map<Locality, uint32_t> localities;
  const std::vector<lb::BalancerHost> hosts = balancerHosts(entries, options, now, localities);
  if (!options.zone_aware.has_value() || local == nullptr) return lb::Balancer(hosts, options);
  const lb::LocalZones zones = zonesOf(*local, localities);
  return lb::Balancer(hosts, options, &zones);
}

}  // namespace

lb::Status HealthFlags::status() const {
  if ((bits_ & kUnhealthy) != 0) return lb::Status::kUnhealthy;
  return (bits_ & kDegraded) != 0 ? lb::Status::kDegraded : lb::Status::kHealthy;
}

HostEntry::HostEntry(const HostSpec& spec, std::shared_ptr<const Host> shared, base::MonotonicTime now)
    : host(std::move(shared)),
      group(spec.group),
      metadata(spec.metadata),
      weight(spec.weight),
      flags(withHealth({}, spec.health)),
      no_health_check(spec.no_health_check),
      healthy_since(now),
      health_address(spec.health_address),
      health_hostname(spec.health_hostname) {}

bool HostEntry::assign(const HostSpec& spec) {
  const HealthFlags fresh = withHealth(flags, spec.health);
  const bool same = weight == spec.weight && flags == fresh && sameGroup(group, spec.group) &&
                    sameValue(metadata, spec.metadata) && no_health_check == spec.no_health_check &&
                    health_address == spec.health_address && health_hostname == spec.health_hostname;
  if (same) return false;
  group = spec.group;
  metadata = spec.metadata;
  weight = spec.weight;
  flags = fresh;
  no_health_check = spec.no_health_check;
  health_address = spec.health_address;
  health_hostname = spec.health_hostname;
  return true;
}

HostSet::HostSet(const std::vector<HostEntry>& entries, size_t slots, const lb::Options& options,
                 base::MonotonicTime now, const LocalCluster* local)
    : hosts(slots), balancer(makeBalancer(entries, options, now, local)), total(entries.size()) {
  for (const HostEntry& entry : entries) {
    hosts[entry.host->slot] = entry.host;
    const lb::Status status = entry.flags.status();
    healthy += status == lb::Status::kHealthy;
    if (!options.override_headers.empty() && status != lb::Status::kUnhealthy) {
      usable_.emplace(entry.host->text, entry.host->slot);
    }
    degraded += status == lb::Status::kDegraded;
    excluded += entry.flags.has(HealthFlag::kExcludedByCheck);
    const bool ramping = status != lb::Status::kUnhealthy && !options.slow_start.over(now - entry.healthy_since);
    in_slow_start = in_slow_start || ramping;
    if (entry.metadata != nullptr && !entry.metadata->empty()) {
      metadata.resize(slots);
      metadata[entry.host->slot] = entry.metadata;
    }
    if (entry.group == nullptr || entry.group->priority == 0) continue;
    priorities.resize(slots, 0);
    priorities[entry.host->slot] = static_cast<uint8_t>(entry.group->priority);
  }
}

bool HostSet::hasMetadata(uint32_t slot, const lb::Metadata& wanted) const {
  if (slot >= metadata.size() || metadata[slot] == nullptr) return false;
  const lb::Metadata& has = *metadata[slot];
  return std::all_of(wanted.begin(), wanted.end(),
                     [&has](const auto& pair) { return std::find(has.begin(), has.end(), pair) != has.end(); });
}

std::optional<uint32_t> HostSet::usableAt(std::string_view text) const {
  const auto found = usable_.find(text);
  return found == usable_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<HostEntry> makeEntries(const std::vector<HostSpec>& specs, base::MonotonicTime now,
                                   const std::vector<TransportMatch>& matches) {
  std::vector<HostEntry> out;
  out.reserve(specs.size());
  for (const HostSpec& spec : specs) {
    const auto slot = static_cast<uint32_t>(out.size());
    out.emplace_back(spec, std::make_shared<const Host>(spec, slot, transportMatch(matches, spec)), now);
  }
  return out;
}

}  // namespace weir::upstream
