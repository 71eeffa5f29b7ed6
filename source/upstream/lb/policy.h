// Policy: picks one of the hosts that it was built over; the seam of what lb_policy and load_balancing_policy name. One
// per worker and host list, made when the list, a weight or a health changes, and thrown away with it; one thread. What
// is big and does not change (a ring, a table) stands behind a shared_ptr to const, so that workers share it.
//
// A host is its index in the list of the cluster; a Candidate is a host that may be picked now. Policies do not know
// health: who builds them leaves out what may not be picked. A pick takes constant time on average, allocates nothing
// and never fails but for want of candidates.
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
  explicit HostLoads(size_t hosts) : outstanding(hosts, 0) {}
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

struct PickInput {
  base::Random& random;
  base::MonotonicTime now = {};
  // What the route's hash policies made of the request. Policies that go by it draw a number where there is none.
  std::optional<uint64_t> hash = std::nullopt;
  // How many picks were made for this request before: each goes elsewhere, where the policy would repeat itself.
  uint32_t attempt = 0;
};

class Policy {
 public:
  virtual ~Policy() = default;
  // None when there are no candidates.
  virtual std::optional<uint32_t> pick(const PickInput& input) = 0;
};

// The number a pick goes by: the request's hash, or a random one, and another for each attempt.
inline uint64_t pickHash(const PickInput& input) {
  const uint64_t hash = input.hash.has_value() ? *input.hash : input.random.next();
  return input.attempt == 0 ? hash : mixHash(hash + input.attempt * uint64_t{0x9e3779b97f4a7c15});
}

}  // namespace weir::upstream::lb
