// How traffic is divided between levels of priority, and when a level panics: pure arithmetic in whole percents, as
// Envoy documents it ("Priority levels", "Degraded endpoints", "Panic threshold"), tested against those tables.
//
//   health(P)    = min(100, floor(factor * healthy(P) / total(P)))           degraded alike
//   available    = min(100, sum of health and degraded over all levels)      "normalised total availability"
//   load(P)      = min(what is left of 100, round(100 * health(P) / available))   healthy hosts first, level by level,
//                                                                                 then degraded ones in the same order
//   what rounding leaves of the 100 goes to the first level that has a load
//   panic(P)     = available < 100 and less than the threshold of the level's hosts are healthy or degraded
#pragma once

#include <cstdint>
#include <vector>

namespace weir::upstream::lb {

// Hosts of one level, or the sums of their weights.
struct LevelHealth {
  uint64_t healthy = 0;
  uint64_t degraded = 0;
  uint64_t total = 0;
};

struct LevelLoad {
  uint32_t healthy = 0;   // percent of all traffic, to healthy hosts of the level (to all of them when in panic)
  uint32_t degraded = 0;  // to degraded ones
  bool panic = false;     // health is disregarded: all hosts of the level are used
};

struct PriorityLoads {
  std::vector<LevelLoad> levels;
  uint32_t available = 0;  // percent, at most 100
  // By level: percent of all traffic that it could take, healthy and degraded hosts together; at most 100.
  std::vector<uint32_t> capacity;
};

struct PriorityOptions {
  uint32_t overprovisioning_percent = 140;
  double panic_threshold_percent = 50;  // 0: never
};

// The loads of all levels add up to 100, unless there is none. With no host available at all, everything goes to the
// first level that has hosts; whether it answers depends on panic.
PriorityLoads priorityLoads(const std::vector<LevelHealth>& levels, PriorityOptions options);

}  // namespace weir::upstream::lb
