// Finding the end of a run of allowed bytes, by which a head is parsed and validated in one go. Sixteen or 32 bytes at
// a time where the processor can (SSSE3, AVX2; asked at run time), else byte by byte; all ways give the same answer.
//
// A set of bytes is two tables of nibbles: byte b below 0x80 is in the set when bit (b >> 4) of low[b & 15] is set;
// the bytes from 0x80 on are all in it or all out. That is what one shuffle instruction can look up (the method of
// Mula and Lemire, "Faster Base64 Encoding and Decoding using AVX2 Instructions", 2018).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir::http {

struct ByteSet {
  std::array<uint8_t, 16> low{};
  bool high = false;

  constexpr void add(unsigned from, unsigned to) {
    for (unsigned b = from; b <= to; ++b) low[b & 15] = static_cast<uint8_t>(low[b & 15] | 1u << (b >> 4));
  }
  constexpr void add(std::string_view bytes) {
    for (const char c : bytes) add(static_cast<unsigned char>(c), static_cast<unsigned char>(c));
  }
  constexpr bool has(unsigned char b) const { return b >= 0x80 ? high : (low[b & 15] >> (b >> 4)) & 1; }
};

// RFC 9110 5.6.2: what names and methods are made of.
inline constexpr ByteSet kTokenBytes = [] {
  ByteSet set;
  set.add('0', '9');
  set.add('A', 'Z');
  set.add('a', 'z');
  set.add("!#$%&'*+-.^_`|~");
  return set;
}();
// The same without capitals: what names are made of in HTTP/2 (RFC 9113 8.2.1).
inline constexpr ByteSet kLowerTokenBytes = [] {
  ByteSet set;
  set.add('0', '9');
  set.add('a', 'z');
  set.add("!#$%&'*+-.^_`|~");
  return set;
}();
// RFC 9110 5.5: what field values are made of: HTAB, SP, visible ASCII, and the bytes from 0x80 on.
inline constexpr ByteSet kValueBytes = [] {
  ByteSet set;
  set.add(0x20, 0x7e);
  set.add("\t");
  set.high = true;
  return set;
}();
// Visible ASCII without '#': what a request target may hold. RFC 3986 has less, but real clients send the rest bare.
inline constexpr ByteSet kTargetBytes = [] {
  ByteSet set;
  set.add(0x21, 0x22);
  set.add(0x24, 0x7e);
  return set;
}();

// Offset of the first byte of `text` that is not in `set`; text.size() when all are.
size_t findOutside(const ByteSet& set, std::string_view text);

// The twins that findOutside() chooses from, for tests and benchmarks. kSse needs SSSE3, kAvx2 AVX2.
enum class ScanMethod : uint8_t { kScalar, kSse, kAvx2 };
bool scanSupported(ScanMethod method);
size_t findOutside(ScanMethod method, const ByteSet& set, std::string_view text);

}  // namespace weir::http
