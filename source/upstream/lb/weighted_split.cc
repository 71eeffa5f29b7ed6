#include "source/upstream/lb/weighted_split.h"

#include <utility>

namespace weir::upstream::lb {
namespace {

std::vector<double> weightsOf(const std::vector<WeightedSplit::Part>& parts) {
  std::vector<double> out;
  double sum = 0;
  for (const WeightedSplit::Part& part : parts) {
    out.push_back(part.weight);
    sum += part.weight;
  }
  if (sum == 0) out.clear();
  return out;
}

}  // namespace

WeightedSplit::WeightedSplit(std::vector<Part> parts, uint64_t salt) : draw_(weightsOf(parts)), salt_(salt) {
  for (Part& part : parts) policies_.push_back(std::move(part.policy));
}

std::optional<uint32_t> WeightedSplit::pick(const PickInput& input) const {
  if (draw_.empty()) return std::nullopt;
  const uint64_t number = input.hash.has_value() ? mixHash(*input.hash ^ mixHash(salt_ + 1)) : input.random.next();
  return policies_[draw_.draw(number)]->pick(input);
}

}  // namespace weir::upstream::lb
