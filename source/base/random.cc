#include "source/base/random.h"

#include <sys/random.h>

#include <bit>

#include "source/base/check.h"

namespace weir::base {
namespace {

// SplitMix64 spreads one word over the state, as the authors of xoshiro advise: never all zeros, and near seeds give
// unrelated streams.
uint64_t splitMix(uint64_t& state) {
  uint64_t z = (state += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace

Random::Random(uint64_t seed) {
  for (uint64_t& word : state_) word = splitMix(seed);
}

uint64_t Random::next() {
  const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

uint64_t Random::below(uint64_t bound) {
  CHECK(bound > 0, "there is no number below 0");
  __uint128_t product = static_cast<__uint128_t>(next()) * bound;
  if (static_cast<uint64_t>(product) < bound) {
    // 2^64 mod bound low words would be counted once too often.
    const uint64_t threshold = -bound % bound;
    while (static_cast<uint64_t>(product) < threshold) product = static_cast<__uint128_t>(next()) * bound;
  }
  return static_cast<uint64_t>(product >> 64);
}

uint64_t Random::entropy() {
  uint64_t seed;
  CHECK(getrandom(&seed, sizeof(seed), 0) == sizeof(seed), "getrandom gives up to 256 bytes at once");
  return seed;
}

}  // namespace weir::base
