#include "source/extensions/rate_limits/token_buckets.h"

#include <utility>

namespace weir::extensions {

TokenBucket::Taken TokenBuckets::take(std::string_view key, base::MonotonicTime now, uint64_t tokens) {
  const std::lock_guard lock(mutex_);
  const auto found = by_key_.find(key);
  if (found != by_key_.end()) {
    kept_.splice(kept_.begin(), kept_, found->second);
    return kept_.front().bucket.take(now, tokens);
  }
  if (kept_.size() == capacity_) {
    by_key_.erase(kept_.back().key);
    kept_.pop_back();
  }
  kept_.emplace_front(std::string(key), *this, now);
  by_key_.emplace(kept_.front().key, kept_.begin());
  return kept_.front().bucket.take(now, tokens);
}

size_t TokenBuckets::size() const {
  const std::lock_guard lock(mutex_);
  return kept_.size();
}

}  // namespace weir::extensions
