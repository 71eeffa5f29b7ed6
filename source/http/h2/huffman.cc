// The code is canonical: among codes of one length the symbols ascend, and shorter codes come before longer ones. So
// the lengths are all there is to know (appendix B of RFC 7541); codes and tables are worked out by the compiler.
//
// Decoding looks at ten bits at once. All printable bytes but a few have codes of at most eight bits, and two short
// ones are found in one look; longer codes are found by their length, as canonical codes can be.
#include "source/http/h2/huffman.h"

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

namespace weir::http::h2 {
namespace {

constexpr size_t kSymbols = 257;
constexpr size_t kEndOfString = 256;
constexpr unsigned kLongest = 30;
constexpr unsigned kLookBits = 10;

constexpr std::array<uint8_t, kSymbols> kLengths = {
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,  // 0x00
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,  // 0x10
    6,  10, 10, 12, 13, 6,  8,  11, 10, 10, 8,  11, 8,  6,  6,  6,   // 0x20
    5,  5,  5,  6,  6,  6,  6,  6,  6,  6,  7,  8,  15, 6,  12, 10,  // 0x30
    13, 6,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,   // 0x40
    7,  7,  7,  7,  7,  7,  7,  7,  8,  7,  8,  13, 19, 13, 14, 6,   // 0x50
    15, 5,  6,  5,  6,  5,  6,  6,  6,  5,  7,  7,  6,  6,  6,  5,   // 0x60
    6,  7,  6,  5,  5,  6,  7,  7,  7,  7,  7,  15, 11, 14, 13, 28,  // 0x70
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,  // 0x80
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,  // 0x90
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,  // 0xa0
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,  // 0xb0
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,  // 0xc0
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,  // 0xd0
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,  // 0xe0
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,  // 0xf0
    30,                                                              // end of string
};

struct Codes {
  std::array<uint32_t, kSymbols> code{};
  // For each length: its first code, how many there are, and where its symbols begin in `ordered`.
  std::array<uint32_t, kLongest + 1> first{};
  std::array<uint16_t, kLongest + 1> count{};
  std::array<uint16_t, kLongest + 1> begin{};
  std::array<uint16_t, kSymbols> ordered{};
};

constexpr Codes makeCodes() {
  Codes codes;
  uint32_t next = 0;
  uint16_t place = 0;
  for (unsigned length = 1; length <= kLongest; ++length) {
    next <<= 1;
    codes.first[length] = next;
    codes.begin[length] = place;
    for (size_t symbol = 0; symbol < kSymbols; ++symbol) {
      if (kLengths[symbol] != length) continue;
      codes.code[symbol] = next++;
      codes.ordered[place++] = static_cast<uint16_t>(symbol);
      ++codes.count[length];
    }
  }
  return codes;
}

constexpr Codes kCodes = makeCodes();
static_assert(kCodes.code[kEndOfString] == 0x3fffffff, "the lengths make a complete code that ends in ones");

// What begins with ten given bits: one symbol, or two; bits 0: a code that is longer.
struct Look {
  uint8_t symbols[2];
  uint8_t bits;      // of the first
  uint8_t all_bits;  // of both; the same as `bits` when there is one
};

constexpr std::array<Look, 1 << kLookBits> makeLooks() {
  std::array<Look, 1 << kLookBits> looks{};
  for (size_t symbol = 0; symbol < kEndOfString; ++symbol) {
    const unsigned length = kLengths[symbol];
    if (length > kLookBits) continue;
    const unsigned rest = kLookBits - length;
    const uint32_t from = kCodes.code[symbol] << rest;
    for (uint32_t i = 0; i < uint32_t{1} << rest; ++i) {
      const auto bits = static_cast<uint8_t>(length);
      looks[from + i] = {{static_cast<uint8_t>(symbol), 0}, bits, bits};
    }
  }
  for (uint32_t i = 0; i < looks.size(); ++i) {
    Look& look = looks[i];
    if (look.bits == 0 || look.bits == kLookBits) continue;
    const Look& behind = looks[(i << look.bits) & (looks.size() - 1)];
    if (behind.bits == 0 || look.bits + behind.bits > kLookBits) continue;
    look.symbols[1] = behind.symbols[0];
    look.all_bits = static_cast<uint8_t>(look.bits + behind.bits);
  }
  return looks;
}

constexpr std::array<Look, 1 << kLookBits> kLooks = makeLooks();

// The first bits of what is left, from the highest on; `have` of them count, the rest is zero.
struct Window {
  uint64_t bits = 0;
  unsigned have = 0;

  void drop(unsigned n) {
    bits <<= n;
    have -= n;
  }
};

// The symbol and the length of the code at the front, which is longer than a look. Every string of 30 bits begins with
// one.
struct Found {
  uint16_t symbol;
  uint8_t bits;
};
Found findLong(uint64_t bits) {
  for (unsigned length = kLookBits + 1; length < kLongest; ++length) {
    const auto offset = static_cast<uint32_t>(bits >> (64 - length)) - kCodes.first[length];
    if (offset < kCodes.count[length]) {
      return {kCodes.ordered[kCodes.begin[length] + offset], static_cast<uint8_t>(length)};
    }
  }
  const auto offset = static_cast<uint32_t>(bits >> (64 - kLongest)) - kCodes.first[kLongest];
  return {kCodes.ordered[kCodes.begin[kLongest] + offset], kLongest};
}

uint64_t loadBig(const char* at) {
  uint64_t value;
  std::memcpy(&value, at, sizeof(value));
  return std::endian::native == std::endian::little ? __builtin_bswap64(value) : value;
}

// At least 56 bits afterwards, unless the input is at its end.
void refill(Window& window, const char*& at, const char* end) {
  if (end - at >= 8) {
    window.bits |= loadBig(at) >> window.have;
    const unsigned bytes = (63 - window.have) / 8;
    at += bytes;
    window.have += bytes * 8;
    // What stands behind `have` is of bytes that were not counted, and will be read again.
    window.bits &= ~uint64_t{0} << (64 - window.have);
    return;
  }
  while (window.have <= 56 && at != end) {
    window.bits |= static_cast<uint64_t>(static_cast<unsigned char>(*at++)) << (56 - window.have);
    window.have += 8;
  }
}

}  // namespace

size_t huffmanSize(std::string_view text) {
  size_t bits = 0;
  for (const char c : text) bits += kLengths[static_cast<unsigned char>(c)];
  return (bits + 7) / 8;
}

char* huffmanEncode(std::string_view text, char* out) {
  uint64_t bits = 0;
  unsigned have = 0;
  for (const char c : text) {
    const auto symbol = static_cast<unsigned char>(c);
    bits = bits << kLengths[symbol] | kCodes.code[symbol];
    have += kLengths[symbol];
    while (have >= 8) {
      have -= 8;
      *out++ = static_cast<char>(bits >> have);
    }
  }
  // Padded with ones, which begin the end-of-string symbol.
  if (have > 0) *out++ = static_cast<char>(bits << (8 - have) | 0xffu >> have);
  return out;
}

std::optional<size_t> huffmanDecode(std::string_view coded, char* out) {
  const char* at = coded.data();
  const char* const end = at + coded.size();
  char* const begin = out;
  Window window;
  for (refill(window, at, end); window.have >= kLongest; refill(window, at, end)) {
    do {
      const Look look = kLooks[window.bits >> (64 - kLookBits)];
      if (look.bits == 0) {
        const Found found = findLong(window.bits);
        if (found.symbol == kEndOfString) return std::nullopt;
        *out++ = static_cast<char>(found.symbol);
        window.drop(found.bits);
        continue;
      }
      *out++ = static_cast<char>(look.symbols[0]);
      if (look.all_bits != look.bits) *out++ = static_cast<char>(look.symbols[1]);
      window.drop(look.all_bits);
    } while (window.have >= kLongest);
  }
  // The last bits, one symbol at a time: a code that is not complete is padding.
  while (window.have > 0) {
    const Look look = kLooks[window.bits >> (64 - kLookBits)];
    const Found found = look.bits != 0 ? Found{look.symbols[0], look.bits} : findLong(window.bits);
    if (found.bits > window.have) break;
    if (found.symbol == kEndOfString) return std::nullopt;
    *out++ = static_cast<char>(found.symbol);
    window.drop(found.bits);
  }
  const uint64_t ones = window.have == 0 ? 0 : ~uint64_t{0} << (64 - window.have);
  if (window.have > 7 || window.bits != ones) return std::nullopt;
  return static_cast<size_t>(out - begin);
}

}  // namespace weir::http::h2
