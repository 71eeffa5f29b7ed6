#include "source/upstream/lb/spread.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "source/upstream/lb/bounded_load.h"
#include "source/upstream/lb/least_request.h"
#include "source/upstream/lb/locality_load.h"
#include "source/upstream/lb/pick_first.h"
#include "source/upstream/lb/round_robin.h"
#include "source/upstream/lb/weighted_random.h"
#include "source/upstream/lb/weighted_split.h"

namespace weir::upstream::lb {
namespace {

// Of the choices that lie within each other, for requests with a hash.
constexpr uint64_t kLevelSalt = 11;
constexpr uint64_t kLocalitySalt = 12;

using Hosts = std::vector<const BalancerHost*>;

std::vector<Candidate> candidatesOf(const Hosts& hosts) {
  std::vector<Candidate> out;
  out.reserve(hosts.size());
  for (const BalancerHost* host : hosts) out.push_back({host->slot, host->weight});
  return out;
}

std::vector<KeyedCandidate> keyedOf(const Hosts& hosts) {
  std::vector<KeyedCandidate> out;
  out.reserve(hosts.size());
  for (const BalancerHost* host : hosts) out.push_back({{host->slot, host->weight}, std::string(host->key)});
  return out;
}

std::unique_ptr<const Policy> hashPolicy(const Hosts& hosts, const Options& options) {
  std::unique_ptr<const Policy> policy;
  if (options.policy == PolicyKind::kRingHash) {
    policy = std::make_unique<RingHash>(std::make_shared<const HashRing>(keyedOf(hosts), options.ring));
  } else {
    policy = std::make_unique<Maglev>(std::make_shared<const MaglevTable>(keyedOf(hosts), options.table_size));
  }
  if (options.hash_balance_factor == 0 || hosts.empty()) return policy;
  return std::make_unique<BoundedLoad>(std::move(policy), candidatesOf(hosts), options.hash_balance_factor);
}

std::unique_ptr<const Policy> flatPolicy(const Hosts& hosts, const Options& options, size_t& cursors) {
  switch (options.policy) {
    case PolicyKind::kLeastRequest:
      return std::make_unique<LeastRequest>(candidatesOf(hosts), options.choice_count, options.active_request_bias);
    case PolicyKind::kRandom:
      return std::make_unique<WeightedRandom>(candidatesOf(hosts));
    case PolicyKind::kRingHash:
    case PolicyKind::kMaglev:
      return hashPolicy(hosts, options);
    case PolicyKind::kPickFirst: {
      if (options.shuffle_seed == 0) return std::make_unique<PickFirst>(candidatesOf(hosts));
      base::Random random(options.shuffle_seed);
      return std::make_unique<PickFirst>(PickFirst::shuffled(candidatesOf(hosts), random));
    }
    case PolicyKind::kPeakEwma:
      return std::make_unique<PeakEwma>(candidatesOf(hosts));
    case PolicyKind::kRoundRobin:
      break;
  }
  return std::make_unique<RoundRobin>(candidatesOf(hosts), cursors++);
}

struct LocalityHosts {
  LocalityHealth health;
  Hosts usable;
};

// `usable` are those of `all`, hosts of one level, that the policy is over.
std::unique_ptr<const Policy> localityPolicy(const Hosts& all, const Hosts& usable, const Options& options,
                                             size_t& cursors) {
  std::map<uint32_t, LocalityHosts> localities;
  for (const BalancerHost* host : all) {
    LocalityHealth& health = localities[host->locality].health;
    health.weight = host->locality_weight;
    health.total += host->excluded ? 0 : 1;
  }
  for (const BalancerHost* host : usable) {
    localities[host->locality].usable.push_back(host);
    ++localities[host->locality].health.available;
  }
  std::vector<LocalityHealth> healths;
  for (const auto& [number, locality] : localities) healths.push_back(locality.health);
  const std::vector<uint64_t> weights = localityWeights(healths, options.overprovisioning_percent);
  if (std::all_of(weights.begin(), weights.end(), [](uint64_t weight) { return weight == 0; })) {
    return flatPolicy(usable, options, cursors);
  }
  std::vector<WeightedSplit::Part> parts;
  for (const auto& [number, locality] : localities) {
    const auto weight = static_cast<double>(weights[parts.size()]);
    parts.push_back({weight, flatPolicy(locality.usable, options, cursors)});
  }
  return std::make_unique<WeightedSplit>(std::move(parts), kLocalitySalt);
}

std::unique_ptr<const Policy> policyOver(const Hosts& all, const Hosts& usable, const Options& options,
                                         size_t& cursors) {
  if (options.locality_weighted) return localityPolicy(all, usable, options, cursors);
  return flatPolicy(usable, options, cursors);
}

// A hash, and the order of a list, say more than where hosts are.
bool byZone(const Options& options) {
  return options.zone_aware.has_value() && !options.locality_weighted && options.policy != PolicyKind::kRingHash &&
         options.policy != PolicyKind::kMaglev && options.policy != PolicyKind::kPickFirst;
}

// The healthy hosts of the first level, where localities are to keep their traffic.
std::unique_ptr<const Policy> zonePolicy(const Hosts& usable, const Options& options, const LocalZones* local,
                                         ZoneState& state, size_t& cursors) {
  std::map<uint32_t, Hosts> localities;
  for (const BalancerHost* host : usable) localities[host->locality].push_back(host);
  std::vector<ZoneHosts> counts;
  for (const auto& [number, hosts] : localities) counts.push_back({number, hosts.size()});
  const ZonePlan plan = planZones(counts, local, *options.zone_aware);
  state = plan.state;
  if (plan.parts.empty()) return flatPolicy(usable, options, cursors);
  std::vector<ZoneAware::Part> parts;
  for (const auto& [number, hosts] : localities) {
    const double weight = plan.parts[parts.size()];
    parts.push_back({weight, number == local->own, flatPolicy(hosts, options, cursors)});
  }
  const double enabled = options.zone_aware->routing_enabled;
  return std::make_unique<ZoneAware>(std::move(parts), enabled,
                                     enabled < 100 ? flatPolicy(usable, options, cursors) : nullptr);
}

struct LevelHosts {
  Hosts all, healthy, degraded;
  LevelHealth health;
};

std::vector<LevelHosts> levelsOf(std::span<const BalancerHost> hosts, std::span<const uint32_t> members,
                                 const Options& options) {
  std::vector<LevelHosts> levels;
  for (const uint32_t member : members) {
    const BalancerHost& host = hosts[member];
    if (levels.size() <= host.priority) levels.resize(host.priority + 1);
    LevelHosts& level = levels[host.priority];
    level.all.push_back(&host);
    const uint64_t worth = options.weighted_priority_health ? host.weight : 1;
    if (!host.excluded) level.health.total += worth;
    if (host.status == Status::kHealthy) {
      level.healthy.push_back(&host);
      level.health.healthy += worth;
    } else if (host.status == Status::kDegraded) {
      level.degraded.push_back(&host);
      level.health.degraded += worth;
    }
  }
  return levels;
}

// None where there is nothing to draw: all goes to the healthy hosts of one level.
std::vector<double> partsOf(const PriorityLoads& loads) {
  std::vector<double> parts;
  double sum = 0;
  for (const LevelLoad& level : loads.levels) {
    if (level.healthy == 100) return {};
    parts.push_back(level.healthy);
    parts.push_back(level.degraded);
    sum += level.healthy + level.degraded;
  }
  if (sum == 0) parts.clear();
  return parts;
}

PriorityLoads loadsOf(std::span<const BalancerHost> hosts, std::span<const uint32_t> members, const Options& options) {
  std::vector<LevelHealth> healths;
  for (const LevelHosts& level : levelsOf(hosts, members, options)) healths.push_back(level.health);
  return priorityLoads(healths, {options.overprovisioning_percent, options.panic_threshold});
}

}  // namespace

Spread::Spread(std::span<const BalancerHost> hosts, std::span<const uint32_t> members, const Options& options,
               const LocalZones* local, size_t& cursors)
    : loads_(loadsOf(hosts, members, options)), draw_(partsOf(loads_)) {
  const std::vector<LevelHosts> levels = levelsOf(hosts, members, options);
  for (size_t i = 0; i < levels.size(); ++i) {
    const LevelHosts& from = levels[i];
    Level& to = levels_.emplace_back();
    const Hosts none;
    const Hosts& panicking = options.fail_in_panic ? none : from.all;
    const bool panic = loads_.levels[i].panic;
    if (i == 0 && byZone(options) && !panic) {
      to.healthy = zonePolicy(from.healthy, options, local, zone_state_, cursors);
    } else {
      to.healthy = policyOver(from.all, panic ? panicking : from.healthy, options, cursors);
    }
    if (!from.degraded.empty()) to.degraded = policyOver(from.all, from.degraded, options, cursors);
    if (loads_.levels[i].healthy != 100) continue;
    only_ = to.healthy.get();
    only_panics_ = panic;
  }
}

std::optional<uint32_t> Spread::pick(const PickInput& input, std::span<const uint32_t> priority_loads) const {
  if (!priority_loads.empty()) return pickBy(input, priority_loads);
  if (only_ != nullptr) {
    if (only_panics_ && input.notes != nullptr) input.notes->panic = true;
    return only_->pick(input);
  }
  if (draw_.empty()) return std::nullopt;
  const uint64_t number = input.hash.has_value() ? mixHash(*input.hash + kLevelSalt) : input.random.next();
  const uint32_t part = draw_.draw(number);
  const Level& level = levels_[part / 2];
  // A degraded part has a load only if there are such hosts; in a panic all hosts are one.
  const bool panic = loads_.levels[part / 2].panic;
  const bool degraded = part % 2 == 1 && level.degraded != nullptr && !panic;
  if (panic && input.notes != nullptr) input.notes->panic = true;
  return degraded ? level.degraded->pick(input) : level.healthy->pick(input);
}

// With the loads that a retry wants: few levels, looked at in turn.
std::optional<uint32_t> Spread::pickBy(const PickInput& input, std::span<const uint32_t> priority_loads) const {
  const size_t count = std::min(priority_loads.size(), levels_.size());
  uint64_t sum = 0;
  for (size_t i = 0; i < count; ++i) sum += priority_loads[i];
  if (sum == 0) return pick(input, {});
  uint64_t left = input.random.below(sum);
  for (size_t i = 0; i < count; ++i) {
    if (left >= priority_loads[i]) {
      left -= priority_loads[i];
      continue;
    }
    const std::optional<uint32_t> healthy = levels_[i].healthy->pick(input);
    return healthy.has_value() || levels_[i].degraded == nullptr ? healthy : levels_[i].degraded->pick(input);
  }
  return std::nullopt;
}

}  // namespace weir::upstream::lb
