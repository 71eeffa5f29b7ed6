// Policy: picks one of the hosts that it was built over; the seam of what lb_policy and load_balancing_policy name.
// Made on the main thread when the list, a weight or a health changes, immutable, shared by all workers. What moves
// (the loads of hosts, the places of rounds) belongs to the worker that picks, and comes with the pick.
//
// A host is its slot in the cluster; a Candidate is a host that may be picked now. Policies do not know health: who
// builds them leaves out what may not be picked. A pick takes constant time on average, allocates nothing and never
// fails but for want of candidates.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "source/base/clock.h"
#include "source/base/random.h"
#include "source/upstream/lb/stable_hash.h"

namespace weir::upstream::lb {

struct Candidate {
  uint32_t host;
  uint32_t weight;  // 1 to 2^32-1
};

// What this worker has under way, by host. Kept by the worker's cluster; policies read it.
struct HostLoads {
  explicit HostLoads(size_t hosts = 0) : outstanding(hosts, 0) {}
  // Never shrinks.
  void grow(size_t hosts) {
    if (hosts > outstanding.size()) outstanding.resize(hosts, 0);
  }
  void begin(uint32_t host) {
    ++outstanding[host];
    ++total;
  }
  void end(uint32_t host) {
    --outstanding[host];
    --total;
  }

  std::vector<uint32_t> outstanding;
  uint64_t total = 0;
};

class LatencyEstimates;

// What one pick found on its way, for counters.
struct PickNotes {
  enum class Zone : uint8_t { kNone, kAllDirectly, kSampled, kCrossZone };  // see zone_aware.h
  Zone zone = Zone::kNone;
  bool panic = false;  // health was disregarded, or there was no host for that reason
};

// What one pick may look at. The last three are the picking worker's own; a policy that needs one is never given null.
struct PickInput {
  base::Random& random;
  base::MonotonicTime now = {};
  // What the route's hash policies made of the request. Policies that go by it draw a number where there is none.
  std::optional<uint64_t> hash = std::nullopt;
  // How many picks were made for this request before: each goes elsewhere, where the policy would repeat itself.
  uint32_t attempt = 0;
  const HostLoads* loads = nullptr;
  const LatencyEstimates* latencies = nullptr;
  uint64_t* cursors = nullptr;  // the places of rounds, any numbers to begin with
  PickNotes* notes = nullptr;   // may be null
};

class Policy {
 public:
  virtual ~Policy() = default;
  // None when there are no candidates.
  virtual std::optional<uint32_t> pick(const PickInput& input) const = 0;
};

// The number a pick goes by: the request's hash, or a random one, and another for each attempt.
inline uint64_t pickHash(const PickInput& input) {
  const uint64_t hash = input.hash.has_value() ? *input.hash : input.random.next();
  return input.attempt == 0 ? hash : mixHash(hash + input.attempt * uint64_t{0x9e3779b97f4a7c15});
}

}  // namespace weir::upstream::lb
