#include "source/http/scan.h"

#include <algorithm>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#define WEIR_X86 1
#endif

namespace weir::http {
namespace {

size_t scalar(const ByteSet& set, std::string_view text, size_t from) {
  while (from < text.size() && set.has(static_cast<unsigned char>(text[from]))) ++from;
  return from;
}

#ifdef WEIR_X86

// Bit i of the high-nibble table answers for bytes i*16 .. i*16+15; from 0x80 on the sign bit answers instead.
alignas(16) constexpr uint8_t kHighNibble[16] = {1, 2, 4, 8, 16, 32, 64, 128, 0, 0, 0, 0, 0, 0, 0, 0};

// Less than 16 bytes, put together from pieces that overlap: nothing outside of the text is read.
__attribute__((target("ssse3"))) size_t shortText(const ByteSet& set, std::string_view text) {
  const size_t size = text.size();
  uint64_t first = 0;
  uint64_t second = 0;
  if (size >= 8) {
    std::memcpy(&first, text.data(), 8);
    std::memcpy(&second, text.data() + size - 8, 8);
    second = size == 8 ? 0 : second >> (8 * (16 - size));
  } else if (size >= 4) {
    uint32_t front;
    uint32_t back;
    std::memcpy(&front, text.data(), 4);
    std::memcpy(&back, text.data() + size - 4, 4);
    first = front | static_cast<uint64_t>(back) << (8 * (size - 4));
  } else if (size > 0) {
    const auto at = [&text](size_t i) { return static_cast<uint64_t>(static_cast<unsigned char>(text[i])); };
    first = at(0) | at(size / 2) << (8 * (size / 2)) | at(size - 1) << (8 * (size - 1));
  }
  const __m128i bytes = _mm_set_epi64x(static_cast<int64_t>(second), static_cast<int64_t>(first));
  const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(set.low.data()));
  const __m128i high = _mm_load_si128(reinterpret_cast<const __m128i*>(kHighNibble));
  const __m128i nibble = _mm_set1_epi8(0x0f);
  const __m128i bits = _mm_and_si128(_mm_shuffle_epi8(low, _mm_and_si128(bytes, nibble)),
                                     _mm_shuffle_epi8(high, _mm_and_si128(_mm_srli_epi16(bytes, 4), nibble)));
  unsigned outside = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(bits, _mm_setzero_si128())));
  if (set.high) outside &= ~static_cast<unsigned>(_mm_movemask_epi8(bytes));
  return std::min<size_t>(size, static_cast<size_t>(__builtin_ctz(outside | 0x10000)));
}

__attribute__((target("ssse3"))) size_t sse(const ByteSet& set, std::string_view text) {
  const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(set.low.data()));
  const __m128i high = _mm_load_si128(reinterpret_cast<const __m128i*>(kHighNibble));
  const __m128i nibble = _mm_set1_epi8(0x0f);
  const unsigned take_high = set.high ? 0xffff : 0;
  size_t at = 0;
  for (; at + 16 <= text.size(); at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at));
    const __m128i bits = _mm_and_si128(_mm_shuffle_epi8(low, _mm_and_si128(bytes, nibble)),
                                       _mm_shuffle_epi8(high, _mm_and_si128(_mm_srli_epi16(bytes, 4), nibble)));
    const unsigned outside = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(bits, _mm_setzero_si128()))) &
                             ~(static_cast<unsigned>(_mm_movemask_epi8(bytes)) & take_high);
    if (outside != 0) return at + static_cast<size_t>(__builtin_ctz(outside));
  }
  return at + shortText(set, text.substr(at));
}

__attribute__((target("avx2"))) size_t avx2(const ByteSet& set, std::string_view text) {
  const __m256i low = _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(set.low.data())));
  const __m256i high = _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(kHighNibble)));
  const __m256i nibble = _mm256_set1_epi8(0x0f);
  const unsigned take_high = set.high ? 0xffffffff : 0;
  size_t at = 0;
  for (; at + 32 <= text.size(); at += 32) {
    const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text.data() + at));
    const __m256i bits =
        _mm256_and_si256(_mm256_shuffle_epi8(low, _mm256_and_si256(bytes, nibble)),
                         _mm256_shuffle_epi8(high, _mm256_and_si256(_mm256_srli_epi16(bytes, 4), nibble)));
    const unsigned outside =
        static_cast<unsigned>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(bits, _mm256_setzero_si256()))) &
        ~(static_cast<unsigned>(_mm256_movemask_epi8(bytes)) & take_high);
    if (outside != 0) return at + static_cast<size_t>(__builtin_ctz(outside));
  }
  return at + sse(set, text.substr(at));
}

// Asked once: each asking loads and tests what the loader found out.
const bool kHasSse = __builtin_cpu_supports("ssse3") != 0;
const bool kHasAvx2 = __builtin_cpu_supports("avx2") != 0;

#endif

}  // namespace

bool scanSupported(ScanMethod method) {
  switch (method) {
    case ScanMethod::kScalar:
      return true;
#ifdef WEIR_X86
    case ScanMethod::kSse:
      return __builtin_cpu_supports("ssse3") != 0;
    case ScanMethod::kAvx2:
      return __builtin_cpu_supports("avx2") != 0;
#else
    case ScanMethod::kSse:
    case ScanMethod::kAvx2:
      return false;
#endif
  }
  return false;
}

size_t findOutside(ScanMethod method, const ByteSet& set, std::string_view text) {
#ifdef WEIR_X86
  if (method == ScanMethod::kSse) return sse(set, text);
  if (method == ScanMethod::kAvx2) return avx2(set, text);
#else
  (void)method;
#endif
  return scalar(set, text, 0);
}

size_t findOutside(const ByteSet& set, std::string_view text) {
#ifdef WEIR_X86
  if (text.size() < 16 && kHasSse) return shortText(set, text);
  if (text.size() >= 32 && kHasAvx2) return avx2(set, text);
  if (kHasSse) return sse(set, text);
#endif
  return scalar(set, text, 0);
}

}  // namespace weir::http
