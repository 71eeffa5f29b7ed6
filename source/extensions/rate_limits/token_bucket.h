// TokenBucket: a bucket of `max_tokens` that gains `tokens_per_fill` every `fill_interval`, all at once. Shared by all
// workers and exact over them: its whole state is one atomic word that take() replaces, so no request can find a token
// that another has taken. Starts full. The clock of the fills starts when a token is taken from a full bucket, so that
// a burst on a rested bucket gets exactly `max_tokens`, and the first fill comes a whole interval later.
#pragma once

#include <atomic>
#include <cstdint>

#include "absl/time/time.h"
#include "source/base/clock.h"

namespace weir::extensions {

class TokenBucket {
 public:
  // All above zero. `start` is the earliest time that take() will be called with.
  TokenBucket(uint32_t max_tokens, uint32_t tokens_per_fill, absl::Duration fill_interval, base::MonotonicTime start);

  struct Taken {
    bool ok = false;
    uint32_t left = 0;         // tokens in the bucket after it
    absl::Duration next_fill;  // until tokens are added; zero when the bucket is full
  };
  // Takes so many tokens if there are as many, else none. Safe from any thread; `now` may differ between workers by a
  // turn.
  Taken take(base::MonotonicTime now, uint64_t tokens = 1);
  uint32_t maxTokens() const { return max_tokens_; }

 private:
  const uint32_t max_tokens_;
  const uint32_t tokens_per_fill_;
  const base::MonotonicTime start_;
  const unsigned token_bits_;  // of the word; the others are the time of the last fill
  const unsigned unit_shift_;  // times in the word count in units of 2^unit_shift_ nanoseconds
  const uint64_t interval_;    // in units
  std::atomic<uint64_t> state_;
};

}  // namespace weir::extensions
