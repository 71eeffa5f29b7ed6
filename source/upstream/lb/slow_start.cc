#include "source/upstream/lb/slow_start.h"

#include <algorithm>
#include <cmath>

namespace weir::upstream::lb {

uint32_t SlowStart::weight(uint32_t whole, absl::Duration age) const {
  if (over(age)) return whole;
  const double time = std::min(1.0, absl::FDivDuration(std::max(age, absl::Seconds(1)), window));
  const double factor = std::max(min_weight_percent / 100, std::pow(time, 1.0 / aggression));
  return std::max(1u, static_cast<uint32_t>(std::lround(whole * std::min(1.0, factor))));
}

}  // namespace weir::upstream::lb
