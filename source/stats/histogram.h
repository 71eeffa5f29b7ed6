// Histograms with a fixed number of log-linear buckets. HistogramCells: the counts of one histogram on one worker,
// made by that worker's Shard at the first value, written by that worker alone and read by any thread.
// HistogramSummary: what all workers recorded together, made on read.
//
// Values are whole numbers. Those below 32 have a bucket each; above, each power of two is cut into 16. A quantile is
// the middle of its bucket and so within 3.2 % of the value that was recorded (P0 and P100 are exact), up to 2^40;
// larger values are told apart no further and reported as the largest seen. Count, sum and the cumulative counts for
// Prometheus are exact.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir::stats {

// An upper bound, inclusive, of the buckets that Prometheus sees: those of Envoy.
struct HistogramBound {
  uint64_t largest;       // the largest whole number below or at the bound
  std::string_view text;  // the bound as it is written
};
inline constexpr std::array<HistogramBound, 19> kHistogramBounds = {{
    {0, "0.5"},           {1, "1"},           {5, "5"},
    {10, "10"},           {25, "25"},         {50, "50"},
    {100, "100"},         {250, "250"},       {500, "500"},
    {1000, "1000"},       {2500, "2500"},     {5000, "5000"},
    {10000, "10000"},     {30000, "30000"},   {60000, "60000"},
    {300000, "300000"},   {600000, "600000"}, {1800000, "1800000"},
    {3600000, "3600000"},
}};

struct HistogramQuantile {
  double fraction;
  std::string_view percent;  // "99.9"
};
inline constexpr std::array<HistogramQuantile, 9> kHistogramQuantiles = {{
    {0, "0"},
    {0.25, "25"},
    {0.5, "50"},
    {0.75, "75"},
    {0.9, "90"},
    {0.95, "95"},
    {0.99, "99"},
    {0.999, "99.9"},
    {1, "100"},
}};

struct HistogramSummary {
  uint64_t count = 0;
  uint64_t sum = 0;                                              // modulo 2^64
  std::array<uint64_t, kHistogramQuantiles.size()> quantiles{};  // zeros while count is 0
  std::array<uint64_t, kHistogramBounds.size()> cumulative{};    // values at or below each bound
};

class alignas(64) HistogramCells {
 public:
  static constexpr size_t kBuckets = 593;  // the last is for 2^40 and above

  // The owning worker only. A few plain stores, no allocation.
  void record(uint64_t value);

 private:
  friend class HistogramReader;
  using Cell = std::atomic<uint64_t>;

  Cell sum_{0};
  Cell smallest_{UINT64_MAX};
  Cell largest_{0};
  std::array<Cell, kHistogramBounds.size() + 1> by_bound_{};  // the last is above all bounds
  std::array<Cell, kBuckets> buckets_{};
};

// Adds up the cells of all workers, then summarises them. Lives on the stack of one read, any thread.
class HistogramReader {
 public:
  void add(const HistogramCells& cells);
  HistogramSummary summary() const;

 private:
  uint64_t quantile(double fraction, uint64_t count) const;

  uint64_t sum_ = 0;
  uint64_t smallest_ = UINT64_MAX;
  uint64_t largest_ = 0;
  std::array<uint64_t, kHistogramBounds.size() + 1> by_bound_{};
  std::array<uint64_t, HistogramCells::kBuckets> buckets_{};
};

}  // namespace weir::stats
