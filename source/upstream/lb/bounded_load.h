// BoundedLoad: a policy by hash in which no host has more than its part of the load (Mirrokni, Thorup and
// Zadimoghaddam, "Consistent Hashing with Bounded Loads", 2018). Of the requests that this worker has under way, a host
// takes at most its share by weight times the factor; what would be too much for it jumps to another host, always in
// the same order for the same hash (random jumps: Chen, Coleman and Shrivastava, 2021, who show that they do not
// cascade).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "source/upstream/lb/policy.h"

namespace weir::upstream::lb {

class BoundedLoad final : public Policy {
 public:
  // `inner` goes by hash over the same `hosts`. `factor_percent` is hash_balance_factor: 100 or more; near 100, picks
  // become slow when hosts are busy.
  BoundedLoad(std::unique_ptr<const Policy> inner, std::vector<Candidate> hosts, uint32_t factor_percent);

  std::optional<uint32_t> pick(const PickInput& input) const override;
  // How many requests `host`, one of its own, may have under way when one more is given out.
  uint64_t capacity(uint32_t host, const HostLoads& loads) const;

 private:
  // After so many jumps in vain (with factor 1.25: three in a hundred, at worst) all hosts are looked at in turn.
  static constexpr uint32_t kJumps = 16;

  // Whether it has less under way than its capacity; a whole number is below what is rounded up if it is below.
  bool hasRoom(uint32_t host, const HostLoads& loads) const {
    return loads.outstanding[host] < parts_[host] * static_cast<double>(loads.total + 1);
  }

  std::unique_ptr<const Policy> inner_;
  std::vector<Candidate> hosts_;
  std::vector<double> parts_;  // by host: of all requests, the part that it may have
};

}  // namespace weir::upstream::lb
