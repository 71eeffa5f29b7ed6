// Spread: the policies over one list of hosts: one for the healthy and one for the degraded hosts of each level of
// priority, and within them one for each locality, where traffic is divided between these. A pick goes to a level by
// the published arithmetic (priority_load.h), and on to its policy. Immutable; made by Balancer on the main thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "source/upstream/lb/options.h"
#include "source/upstream/lb/policy.h"
#include "source/upstream/lb/priority_load.h"
#include "source/upstream/lb/weighted_draw.h"

namespace weir::upstream::lb {

enum class Status : uint8_t { kHealthy, kDegraded, kUnhealthy };

struct BalancerHost {
  uint32_t slot = 0;
  uint32_t weight = 1;  // 1 at least
  Status status = Status::kHealthy;
  bool excluded = false;  // not counted as one of the level's hosts
  uint32_t priority = 0;
  uint32_t locality = 0;         // any number that differs between localities
  uint32_t locality_weight = 0;  // 0: none was given, and then it gets no traffic where localities are weighted
  std::string_view key = {};     // names it for hashing; lives as long as the call
  const Metadata* metadata = nullptr;
};

class Spread {
 public:
  // Over `hosts[i]` for each of `members`. `cursors` is the number of cursors in use, counted up. `local` is what is
  // known of the proxy's own cluster; null: nothing.
  Spread(std::span<const BalancerHost> hosts, std::span<const uint32_t> members, const Options& options,
         const LocalZones* local, size_t& cursors);

  // `priority_loads`: percent by level, in place of its own; empty: its own.
  std::optional<uint32_t> pick(const PickInput& input, std::span<const uint32_t> priority_loads) const;
  const PriorityLoads& loads() const { return loads_; }
  ZoneState zoneState() const { return zone_state_; }

 private:
  struct Level {
    std::unique_ptr<const Policy> healthy;   // all hosts of the level in a panic
    std::unique_ptr<const Policy> degraded;  // null: there are none
  };
  std::optional<uint32_t> pickBy(const PickInput& input, std::span<const uint32_t> priority_loads) const;

  std::vector<Level> levels_;
  PriorityLoads loads_;
  WeightedDraw draw_;             // of two parts for each level: healthy, degraded
  const Policy* only_ = nullptr;  // where everything goes, if it is one part
  bool only_panics_ = false;
  ZoneState zone_state_ = ZoneState::kOff;
};

}  // namespace weir::upstream::lb
