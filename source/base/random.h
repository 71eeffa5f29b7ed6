// Randomness behind a seam: one generator per worker, passed in where it is used, so that a seed replays a whole run.
// xoshiro256** (Blackman and Vigna, 2018): fast and well distributed, not for secrets. Not safe across threads.
#pragma once

#include <cstdint>

namespace weir::base {

class Random {
 public:
  explicit Random(uint64_t seed);

  uint64_t next();
  // Uniform in [0, bound); bound must be above 0 (Lemire's multiply-shift reduction, unbiased).
  uint64_t below(uint64_t bound);

  // A seed from the kernel's entropy pool.
  static uint64_t entropy();

 private:
  uint64_t state_[4];
};

}  // namespace weir::base
