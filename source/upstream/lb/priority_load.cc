#include "source/upstream/lb/priority_load.h"

#include <algorithm>

namespace weir::upstream::lb {
namespace {

uint32_t score(uint64_t hosts, uint64_t total, uint32_t factor) {
  if (total == 0) return 0;
  return static_cast<uint32_t>(std::min<__uint128_t>(100, static_cast<__uint128_t>(hosts) * factor / total));
}

// Takes from `left` what the score is worth.
uint32_t take(uint32_t score, uint32_t available, uint32_t& left) {
  const uint32_t load = std::min(left, (score * 200 + available) / (2 * available));
  left -= load;
  return load;
}

void giveRest(std::vector<LevelLoad>& levels, uint32_t left) {
  for (LevelLoad& level : levels) {
    if (level.healthy + level.degraded == 0) continue;
    (level.healthy > 0 ? level.healthy : level.degraded) += left;
    return;
  }
}

bool inPanic(const LevelHealth& level, double threshold) {
  const double usable = static_cast<double>(level.healthy + level.degraded);
  return level.total > 0 && usable * 100 < threshold * static_cast<double>(level.total);
}

}  // namespace

PriorityLoads priorityLoads(const std::vector<LevelHealth>& levels, PriorityOptions options) {
  PriorityLoads out;
  out.levels.resize(levels.size());
  std::vector<uint32_t> healthy, degraded;
  uint64_t sum = 0;
  for (const LevelHealth& level : levels) {
    healthy.push_back(score(level.healthy, level.total, options.overprovisioning_percent));
    degraded.push_back(score(level.degraded, level.total, options.overprovisioning_percent));
    sum += healthy.back() + degraded.back();
    out.capacity.push_back(std::min<uint32_t>(100, healthy.back() + degraded.back()));
  }
  out.available = static_cast<uint32_t>(std::min<uint64_t>(100, sum));
  for (size_t i = 0; i < levels.size() && out.available < 100; ++i) {
    out.levels[i].panic = inPanic(levels[i], options.panic_threshold_percent);
  }
  if (out.available == 0) {
    const auto first =
        std::find_if(levels.begin(), levels.end(), [](const LevelHealth& level) { return level.total > 0; });
    if (first != levels.end()) out.levels[static_cast<size_t>(first - levels.begin())].healthy = 100;
    return out;
  }
  uint32_t left = 100;
  for (size_t i = 0; i < levels.size(); ++i) out.levels[i].healthy = take(healthy[i], out.available, left);
  for (size_t i = 0; i < levels.size(); ++i) out.levels[i].degraded = take(degraded[i], out.available, left);
  giveRest(out.levels, left);
  return out;
}

}  // namespace weir::upstream::lb
