// A 64-bit hash of bytes that is the same in every process, build and version: proxies that balance by hash over the
// same hosts must agree, across restarts too. FNV-1a (Fowler, Noll and Vo; draft-eastlake-fnv-21, section 6) reads the
// bytes, and the finaliser of MurmurHash3 (Appleby, public domain) spreads what it leaves in the high bits. Not for
// secrets, and not against those who choose keys to collide: they choose the host anyway.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir::upstream::lb {

// A bijection in which each bit of the result depends on all of `x`.
constexpr uint64_t mixHash(uint64_t x) {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccd;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53;
  x ^= x >> 33;
  return x;
}

// Different seeds give unrelated hashes of the same bytes. Takes time in proportion to the length.
constexpr uint64_t stableHash(std::string_view bytes, uint64_t seed = 0) {
  uint64_t hash = 0xcbf29ce484222325 ^ mixHash(seed);  // mixHash(0) is 0: without a seed this is FNV's own start
  for (const char byte : bytes) {
    hash ^= static_cast<uint8_t>(byte);
    hash *= 0x100000001b3;
  }
  return mixHash(hash);
}

}  // namespace weir::upstream::lb
