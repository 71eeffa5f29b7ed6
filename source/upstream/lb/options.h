// lb::Options: how a cluster balances, as plain values. Made from configuration at load, then const.
#pragma once

#include <cstdint>

namespace weir::upstream::lb {

enum class PolicyKind : uint8_t { kRoundRobin, kLeastRequest, kRandom };

struct Options {
  PolicyKind policy = PolicyKind::kRoundRobin;
  // Least request.
  uint32_t choice_count = 2;         // 2 at least
  double active_request_bias = 1.0;  // 0 or more
  // Percent of a level's hosts that must be usable; below it, health is disregarded. 0: never.
  double panic_threshold = 50;
};

}  // namespace weir::upstream::lb
