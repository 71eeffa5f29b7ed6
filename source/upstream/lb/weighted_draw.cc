#include "source/upstream/lb/weighted_draw.h"

#include <algorithm>

namespace weir::upstream::lb {
namespace {

constexpr double kWhole = 4294967296.0;

uint32_t heaviest(const std::vector<double>& weights) {
  return static_cast<uint32_t>(std::max_element(weights.begin(), weights.end()) - weights.begin());
}

}  // namespace

WeightedDraw::WeightedDraw(const std::vector<double>& weights) {
  const size_t n = weights.size();
  double sum = 0;
  for (const double weight : weights) sum += weight;
  std::vector<double> share;
  std::vector<uint32_t> small, large;
  columns_.reserve(n);
  share.reserve(n);
  for (uint32_t i = 0; i < n; ++i) {
    columns_.push_back({UINT32_MAX, i});
    share.push_back(weights[i] * static_cast<double>(n) / sum);
    (share[i] < 1.0 ? small : large).push_back(i);
  }
  while (!small.empty() && !large.empty()) {
    const uint32_t poor = small.back();
    const uint32_t rich = large.back();
    small.pop_back();
    columns_[poor] = {static_cast<uint32_t>(share[poor] * kWhole), rich};
    share[rich] -= 1.0 - share[poor];
    if (share[rich] >= 1.0) continue;
    large.pop_back();
    small.push_back(rich);
  }
  // What rounding left among the small ones keeps its column whole, unless its weight is nothing at all.
  for (const uint32_t left : small) {
    if (weights[left] == 0) columns_[left] = {0, heaviest(weights)};
  }
}

}  // namespace weir::upstream::lb
