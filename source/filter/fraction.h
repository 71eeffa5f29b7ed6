// Fraction: a share of requests, as configurations give it: numerator over 100, 10,000 or 1,000,000. A plain value,
// compiled at load.
#pragma once

#include <cstdint>

#include "source/base/random.h"

namespace weir::filter {

struct Fraction {
  uint32_t numerator = 0;
  uint32_t denominator = 100;

  // True for that share of the calls. Draws nothing where the answer is certain.
  bool hit(base::Random& random) const {
    if (numerator == 0) return false;
    return numerator >= denominator || random.below(denominator) < numerator;
  }
};

}  // namespace weir::filter
