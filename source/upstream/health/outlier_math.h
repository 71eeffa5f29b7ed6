// The arithmetic of outlier detection as Envoy documents it ("Outlier detection", architecture overview): which of a
// row of success rates are outliers, how long a host stays out, and how many may be out.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "absl/time/time.h"
#include "source/upstream/health/health_config.h"

namespace weir::upstream::health {

// Requests of one host in one interval.
struct Tally {
  uint64_t good = 0;
  uint64_t total = 0;
  // 0 to 100. Only where total is above 0.
  double successRate() const { return 100.0 * static_cast<double>(good) / static_cast<double>(total); }
};

struct SuccessRates {
  double average;
  double threshold;  // a host below it is an outlier
};
// Over those with `volume` requests or more; none when there are fewer than `minimum_hosts` of them.
std::optional<SuccessRates> successRates(std::span<const Tally> hosts, uint32_t volume, uint32_t minimum_hosts,
                                         double stdev_factor);

// Whether one more of `hosts` may be ejected while `ejected` are.
bool mayEject(const OutlierConfig& config, size_t ejected, size_t hosts);

// How long a host stays out that is ejected for the `times`th time in a row (1: the first), without jitter.
absl::Duration ejectionTime(const OutlierConfig& config, uint32_t times);

}  // namespace weir::upstream::health
