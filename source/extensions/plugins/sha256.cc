#include "source/extensions/plugins/sha256.h"

#include <array>
#include <bit>
#include <cstdint>

namespace weir::extensions::plugins {
namespace {

constexpr bool isPrime(uint32_t n) {
  for (uint32_t d = 2; d * d <= n; ++d) {
    if (n % d == 0) return false;
  }
  return true;
}

// The first 32 bits of the fractional part of the root of a number, found by bisection over 64-bit integers: the
// largest x with x^degree <= n << (32 * degree).
uint32_t rootBits(uint32_t n, int degree) {
  unsigned __int128 low = 0;
  unsigned __int128 high = static_cast<unsigned __int128>(n) << 32;
  while (low + 1 < high) {
    const unsigned __int128 middle = (low + high) / 2;
    // 41 bits at most, so that the cube fits.
    unsigned __int128 power = middle * middle;
    if (degree == 3) power *= middle;
    (power <= static_cast<unsigned __int128>(n) << (32 * degree) ? low : high) = middle;
  }
  return static_cast<uint32_t>(low);
}

// The constants of the standard: roots of the first primes.
struct Constants {
  Constants() {
    size_t i = 0;
    for (uint32_t n = 2; i < round.size(); ++n) {
      if (!isPrime(n)) continue;
      if (i < start.size()) start[i] = rootBits(n, 2);
      round[i++] = rootBits(n, 3);
    }
  }
  std::array<uint32_t, 8> start{};
  std::array<uint32_t, 64> round{};
};

void addBlock(const Constants& constants, const unsigned char* block, std::array<uint32_t, 8>& state) {
  std::array<uint32_t, 64> w{};
  for (size_t i = 0; i < 16; ++i) {
    w[i] = static_cast<uint32_t>(block[4 * i]) << 24 | static_cast<uint32_t>(block[4 * i + 1]) << 16 |
           static_cast<uint32_t>(block[4 * i + 2]) << 8 | block[4 * i + 3];
  }
  for (size_t i = 16; i < 64; ++i) {
    const uint32_t a = w[i - 15];
    const uint32_t b = w[i - 2];
    w[i] = w[i - 16] + (std::rotr(a, 7) ^ std::rotr(a, 18) ^ a >> 3) + w[i - 7] +
           (std::rotr(b, 17) ^ std::rotr(b, 19) ^ b >> 10);
  }
  std::array<uint32_t, 8> v = state;
  for (size_t i = 0; i < 64; ++i) {
    const uint32_t one = v[7] + (std::rotr(v[4], 6) ^ std::rotr(v[4], 11) ^ std::rotr(v[4], 25)) +
                         ((v[4] & v[5]) ^ (~v[4] & v[6])) + constants.round[i] + w[i];
    const uint32_t two = (std::rotr(v[0], 2) ^ std::rotr(v[0], 13) ^ std::rotr(v[0], 22)) +
                         ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
    v = {one + two, v[0], v[1], v[2], v[3] + one, v[4], v[5], v[6]};
  }
  for (size_t i = 0; i < 8; ++i) state[i] += v[i];
}

}  // namespace

std::string sha256(std::string_view bytes) {
  const Constants constants;
  std::array<uint32_t, 8> state = constants.start;
  std::string tail;
  size_t at = 0;
  for (; at + 64 <= bytes.size(); at += 64) {
    addBlock(constants, reinterpret_cast<const unsigned char*>(bytes.data() + at), state);
  }
  tail.assign(bytes.substr(at));
  tail += '\x80';
  while (tail.size() % 64 != 56) tail += '\0';
  const uint64_t bits = uint64_t{bytes.size()} * 8;
  for (int shift = 56; shift >= 0; shift -= 8) tail += static_cast<char>(bits >> shift);
  for (at = 0; at < tail.size(); at += 64) {
    addBlock(constants, reinterpret_cast<const unsigned char*>(tail.data() + at), state);
  }
  std::string hex;
  for (const uint32_t word : state) {
    for (int shift = 28; shift >= 0; shift -= 4) hex += "0123456789abcdef"[word >> shift & 15];
  }
  return hex;
}

}  // namespace weir::extensions::plugins
