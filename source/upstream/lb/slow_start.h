// Slow start: a host that is new, or healthy again, gets its weight step by step. Pure arithmetic, as Envoy documents
// it
// ("Slow start mode"):  weight * max(min_weight_percent, (max(age, 1 s) / window) ^ (1 / aggression))
#pragma once

#include <cstdint>

#include "absl/time/time.h"

namespace weir::upstream::lb {

struct SlowStart {
  absl::Duration window = absl::ZeroDuration();  // zero: none
  double aggression = 1.0;                       // above 0; 1 is linear, more is faster at first
  double min_weight_percent = 10;                // 0 to 100

  // The weight, 1 at least, of a host that is `age` old; all of it from the end of the window on.
  uint32_t weight(uint32_t whole, absl::Duration age) const;
  bool over(absl::Duration age) const { return age >= window; }
};

}  // namespace weir::upstream::lb
