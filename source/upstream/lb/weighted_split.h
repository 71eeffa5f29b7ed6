// WeightedSplit: a policy over policies. Gives each its part of the requests: the levels of priority by their load, and
// in each level the localities by their weight. A request with a hash always goes to the same part while the weights
// are the same.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "source/upstream/lb/policy.h"
#include "source/upstream/lb/weighted_draw.h"

namespace weir::upstream::lb {

class WeightedSplit final : public Policy {
 public:
  struct Part {
    double weight;  // 0 for one that gets nothing
    std::unique_ptr<const Policy> policy;
  };

  // `salt` differs between splits that lie within each other: the choice of one says nothing about the other's.
  WeightedSplit(std::vector<Part> parts, uint64_t salt);

  // None when all weights are 0, or when the part that is chosen has no hosts.
  std::optional<uint32_t> pick(const PickInput& input) const override;

 private:
  std::vector<std::unique_ptr<const Policy>> policies_;
  WeightedDraw draw_;
  uint64_t salt_;
};

}  // namespace weir::upstream::lb
