// The word: the tokens in the lowest token_bits_, above them the time of the last fill since start_ in units. A bucket
// of up to 63 tokens counts time in nanoseconds; a larger one needs more bits for tokens and has coarser units, chosen
// so that the time lasts for nine years (2^58 ns). An interval is rounded up to whole units: never faster than asked.
#include "source/extensions/rate_limits/token_bucket.h"

#include <algorithm>
#include <bit>

namespace weir::extensions {
namespace {

constexpr unsigned kTimeBits = 58;

unsigned unitShift(unsigned token_bits) {
  const unsigned bits_for_time = 64 - token_bits;
  return bits_for_time >= kTimeBits ? 0 : kTimeBits - bits_for_time;
}

uint64_t unitsIn(absl::Duration interval, unsigned shift) {
  // A fill that comes after more than the nine years never comes.
  const auto nanoseconds =
      static_cast<uint64_t>(std::clamp<int64_t>(absl::ToInt64Nanoseconds(interval), 1, (int64_t{1} << kTimeBits) - 1));
  const uint64_t unit = uint64_t{1} << shift;
  return (nanoseconds + unit - 1) >> shift;
}

}  // namespace

TokenBucket::TokenBucket(uint32_t max_tokens, uint32_t tokens_per_fill, absl::Duration fill_interval,
                         base::MonotonicTime start)
    : max_tokens_(max_tokens),
      tokens_per_fill_(tokens_per_fill),
      start_(start),
      token_bits_(static_cast<unsigned>(std::bit_width(max_tokens))),
      unit_shift_(unitShift(token_bits_)),
      interval_(unitsIn(fill_interval, unit_shift_)),
      state_(max_tokens) {}

TokenBucket::Taken TokenBucket::take(base::MonotonicTime now_instant, uint64_t wanted) {
  const int64_t since_start = std::max<int64_t>(0, now_instant.nanoseconds - start_.nanoseconds);
  const uint64_t now = static_cast<uint64_t>(since_start) >> unit_shift_;
  const uint64_t token_mask = (uint64_t{1} << token_bits_) - 1;
  uint64_t state = state_.load(std::memory_order_relaxed);
  for (;;) {
    uint64_t tokens = state & token_mask;
    uint64_t last_fill = state >> token_bits_;
    if (tokens < max_tokens_ && now > last_fill) {
      const uint64_t fills = (now - last_fill) / interval_;
      const uint64_t missing = max_tokens_ - tokens;
      const uint64_t enough = (missing + tokens_per_fill_ - 1) / tokens_per_fill_;
      tokens = fills >= enough ? max_tokens_ : tokens + fills * tokens_per_fill_;
      last_fill += fills * interval_;
    }
    if (tokens == max_tokens_) last_fill = std::max(now, last_fill);
    const bool ok = tokens >= wanted;
    if (ok) tokens -= wanted;
    const uint64_t next_fill = last_fill + interval_;
    const Taken taken{ok, static_cast<uint32_t>(tokens),
                      absl::Nanoseconds(static_cast<int64_t>((next_fill > now ? next_fill - now : 0) << unit_shift_))};
    const uint64_t next = last_fill << token_bits_ | tokens;
    if (next == state || state_.compare_exchange_weak(state, next, std::memory_order_relaxed)) return taken;
  }
}

}  // namespace weir::extensions
