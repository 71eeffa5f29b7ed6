#include "bench/load/hdr_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace weir::bench {

HdrHistogram::HdrHistogram(int64_t highest) : highest_(highest), counts_(indexOf(highest) + 1) {}

// Values below 2^11 have a step each; above, the eleven highest bits count.
uint32_t HdrHistogram::indexOf(int64_t value) {
  const auto v = static_cast<uint64_t>(value);
  const int shift = std::max(0, static_cast<int>(std::bit_width(v)) - (kStepBits + 1));
  return (static_cast<uint32_t>(shift) << kStepBits) + static_cast<uint32_t>(v >> shift);
}

int64_t HdrHistogram::highestOf(uint32_t index) {
  constexpr uint32_t kSteps = 1u << kStepBits;
  if (index < 2 * kSteps) return index;
  const uint32_t shift = index / kSteps - 1;
  const uint64_t top = index - shift * kSteps;
  return static_cast<int64_t>(((top + 1) << shift) - 1);
}

void HdrHistogram::record(int64_t value) {
  value = std::clamp<int64_t>(value, 0, highest_);
  ++counts_[indexOf(value)];
  ++count_;
  sum_ += static_cast<double>(value);
  max_ = std::max(max_, value);
}

int64_t HdrHistogram::quantile(double share) const {
  const auto wanted = static_cast<uint64_t>(std::ceil(share * static_cast<double>(count_)));
  uint64_t seen = 0;
  for (uint32_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen >= wanted && seen > 0) return std::min(highestOf(i), max_);
  }
  return max_;
}

}  // namespace weir::bench
