// PickFirst: all requests to the first host of the list; the next ones are spares, for retries and for when the first
// may no longer be picked. Shuffled once, if asked for, so that workers and proxies do not choose the same host.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "source/upstream/lb/policy.h"

namespace weir::upstream::lb {

class PickFirst final : public Policy {
 public:
  explicit PickFirst(std::vector<Candidate> hosts) : hosts_(std::move(hosts)) {}
  // The hosts in an order in which each is equally likely at each place. Weights do not matter.
  static std::vector<Candidate> shuffled(std::vector<Candidate> hosts, base::Random& random);

  std::optional<uint32_t> pick(const PickInput& input) const override {
    if (hosts_.empty()) return std::nullopt;
    return hosts_[input.attempt % hosts_.size()].host;
  }

 private:
  std::vector<Candidate> hosts_;
};

}  // namespace weir::upstream::lb
