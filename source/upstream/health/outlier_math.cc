#include "source/upstream/health/outlier_math.h"

#include <algorithm>
#include <cmath>

namespace weir::upstream::health {

std::optional<SuccessRates> successRates(std::span<const Tally> hosts, uint32_t volume, uint32_t minimum_hosts,
                                         double stdev_factor) {
  size_t count = 0;
  double sum = 0;
  for (const Tally& host : hosts) {
    if (host.total == 0 || host.total < volume) continue;
    ++count;
    sum += host.successRate();
  }
  if (count == 0 || count < minimum_hosts) return std::nullopt;
  const double average = sum / static_cast<double>(count);
  double squares = 0;
  for (const Tally& host : hosts) {
    if (host.total == 0 || host.total < volume) continue;
    const double distance = host.successRate() - average;
    squares += distance * distance;
  }
  return SuccessRates{average, average - stdev_factor * std::sqrt(squares / static_cast<double>(count))};
}

bool mayEject(const OutlierConfig& config, size_t ejected, size_t hosts) {
  if (hosts == 0) return false;
  if (config.always_eject_one_host && ejected == 0) return true;
  return 100 * (ejected + 1) <= size_t{config.max_ejection_percent} * hosts;
}

absl::Duration ejectionTime(const OutlierConfig& config, uint32_t times) {
  return std::min(config.base_ejection_time * std::max(times, 1u),
                  std::max(config.max_ejection_time, config.base_ejection_time));
}

}  // namespace weir::upstream::health
