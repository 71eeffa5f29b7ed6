// HdrHistogram: counts of values with three significant digits at every magnitude, after Gil Tene's HdrHistogram (whose
// C library Debian 12 does not have): buckets double in width, each has 1,024 steps. One thread; records in a few
// nanoseconds and never allocates after it was made.
#pragma once

#include <cstdint>
#include <vector>

namespace weir::bench {

class HdrHistogram {
 public:
  // Values above `highest` are counted as that.
  explicit HdrHistogram(int64_t highest);

  void record(int64_t value);
  uint64_t count() const { return count_; }
  int64_t max() const { return max_; }
  double mean() const { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }
  // The highest value of the step below or in which `share` (0 to 1) of all values lie; 0 when there are none.
  int64_t quantile(double share) const;

 private:
  static constexpr int kStepBits = 10;

  static uint32_t indexOf(int64_t value);
  static int64_t highestOf(uint32_t index);

  int64_t highest_;
  int64_t max_ = 0;
  double sum_ = 0;
  uint64_t count_ = 0;
  std::vector<uint64_t> counts_;
};

}  // namespace weir::bench
