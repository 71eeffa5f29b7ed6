// TokenBuckets: buckets of one kind, by a key that requests bring: one is made full when a key is first seen, and when
// there are too many, the one that was not used for the longest time goes. Made at load, and shared by all workers; a
// lock around each take(), touched only by requests that a descriptor with open values counts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "source/extensions/rate_limits/token_bucket.h"

namespace weir::extensions {

class TokenBuckets {
 public:
  // `capacity` is at least 1; the others are those of TokenBucket.
  TokenBuckets(size_t capacity, uint32_t max_tokens, uint32_t tokens_per_fill, absl::Duration fill_interval)
      : capacity_(capacity), max_tokens_(max_tokens), tokens_per_fill_(tokens_per_fill), interval_(fill_interval) {}

  TokenBucket::Taken take(std::string_view key, base::MonotonicTime now, uint64_t tokens);
  uint32_t maxTokens() const { return max_tokens_; }
  size_t size() const;

 private:
  struct Kept {
    Kept(std::string of, const TokenBuckets& all, base::MonotonicTime now)
        : key(std::move(of)), bucket(all.max_tokens_, all.tokens_per_fill_, all.interval_, now) {}
    const std::string key;
    TokenBucket bucket;
  };

  const size_t capacity_;
  const uint32_t max_tokens_;
  const uint32_t tokens_per_fill_;
  const absl::Duration interval_;
  mutable std::mutex mutex_;                                                 // guards the rest
  std::list<Kept> kept_;                                                     // the one used last first
  absl::flat_hash_map<std::string_view, std::list<Kept>::iterator> by_key_;  // keys stand in kept_
};

}  // namespace weir::extensions
