#include "source/stats/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace weir::stats {
namespace {

constexpr int kSubBits = 4;
constexpr uint64_t kSub = uint64_t{1} << kSubBits;
constexpr int kValueBits = 40;
constexpr uint64_t kLimit = uint64_t{1} << kValueBits;
static_assert(HistogramCells::kBuckets == (kValueBits - kSubBits + 1) * kSub + 1);

// Below 2 * kSub a bucket is one value. Above, the leading bit chooses a row of kSub buckets and the kSubBits that
// follow it choose the bucket.
size_t bucketOf(uint64_t value) {
  if (value < 2 * kSub) return value;
  if (value >= kLimit) return HistogramCells::kBuckets - 1;
  const int shift = static_cast<int>(std::bit_width(value)) - 1 - kSubBits;
  return (shift + 1) * kSub + ((value >> shift) & (kSub - 1));
}

uint64_t middleOf(size_t bucket) {
  if (bucket < 2 * kSub) return bucket;
  const size_t shift = bucket / kSub - 1;
  return ((kSub + bucket % kSub) << shift) + ((uint64_t{1} << shift) - 1) / 2;
}

// One writer: no read-modify-write is needed.
void bump(std::atomic<uint64_t>& cell, uint64_t n) {
  cell.store(cell.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
}

}  // namespace

void HistogramCells::record(uint64_t value) {
  bump(sum_, value);
  if (value < smallest_.load(std::memory_order_relaxed)) smallest_.store(value, std::memory_order_relaxed);
  if (value > largest_.load(std::memory_order_relaxed)) largest_.store(value, std::memory_order_relaxed);
  // Most of what is measured in milliseconds is quick: the first bound is looked at first.
  const auto* bound = kHistogramBounds.begin();
  if (value > bound->largest) {
    bound = std::lower_bound(bound + 1, kHistogramBounds.end(), value,
                             [](const HistogramBound& b, uint64_t v) { return b.largest < v; });
  }
  bump(by_bound_[static_cast<size_t>(bound - kHistogramBounds.begin())], 1);
  bump(buckets_[bucketOf(value)], 1);
}

void HistogramReader::add(const HistogramCells& cells) {
  sum_ += cells.sum_.load(std::memory_order_relaxed);
  smallest_ = std::min(smallest_, cells.smallest_.load(std::memory_order_relaxed));
  largest_ = std::max(largest_, cells.largest_.load(std::memory_order_relaxed));
  for (size_t i = 0; i < by_bound_.size(); ++i) by_bound_[i] += cells.by_bound_[i].load(std::memory_order_relaxed);
  for (size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += cells.buckets_[i].load(std::memory_order_relaxed);
}

uint64_t HistogramReader::quantile(double fraction, uint64_t count) const {
  const uint64_t rank = std::max<uint64_t>(1, static_cast<uint64_t>(std::ceil(fraction * static_cast<double>(count))));
  // The two ends are known exactly.
  if (rank == 1) return smallest_;
  if (rank >= count) return largest_;
  uint64_t seen = 0;
  for (size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen < rank) continue;
    if (i + 1 == buckets_.size()) return largest_;
    return std::min(std::max(middleOf(i), smallest_), largest_);
  }
  return largest_;
}

HistogramSummary HistogramReader::summary() const {
  HistogramSummary out;
  out.sum = sum_;
  // A worker may record while this reads: each of the two totals is taken from the cells that it must agree with.
  uint64_t in_buckets = 0;
  for (const uint64_t n : buckets_) in_buckets += n;
  for (size_t i = 0; i < by_bound_.size(); ++i) {
    out.count += by_bound_[i];
    if (i < out.cumulative.size()) out.cumulative[i] = out.count;
  }
  if (out.count == 0 || in_buckets == 0) return out;
  for (size_t i = 0; i < out.quantiles.size(); ++i) {
    out.quantiles[i] = quantile(kHistogramQuantiles[i].fraction, in_buckets);
  }
  return out;
}

}  // namespace weir::stats
