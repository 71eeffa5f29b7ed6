#include "source/stats/histogram.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "source/base/random.h"

namespace weir::stats {
namespace {

HistogramSummary summaryOf(const std::vector<uint64_t>& values) {
  const auto cells = std::make_unique<HistogramCells>();
  for (const uint64_t value : values) cells->record(value);
  HistogramReader reader;
  reader.add(*cells);
  return reader.summary();
}

// P50 of three values is the middle one, whose bucket is then the answer.
uint64_t median(uint64_t value) { return summaryOf({0, value, UINT64_MAX}).quantiles[2]; }

TEST(HistogramTest, IsEmptyAtFirst) {
  const HistogramSummary summary = summaryOf({});
  EXPECT_EQ(summary.count, 0u);
  EXPECT_EQ(summary.sum, 0u);
  EXPECT_EQ(summary.quantiles[8], 0u);
}

TEST(HistogramTest, IsExactBelowThirtyTwoAndWithinTheBoundAbove) {
  for (uint64_t value = 0; value < 32; ++value) EXPECT_EQ(median(value), value);
  base::Random random(3);
  for (int bits = 6; bits <= 40; ++bits) {
    for (int i = 0; i < 50; ++i) {
      const uint64_t low = uint64_t{1} << (bits - 1);
      const uint64_t value = low + random.below(low);
      const double error = std::abs(static_cast<double>(median(value)) - static_cast<double>(value));
      EXPECT_LE(error / static_cast<double>(value), 0.032) << value;
    }
  }
}

TEST(HistogramTest, QuantilesOfManyValuesAreWithinTheBound) {
  base::Random random(11);
  std::vector<uint64_t> values;
  for (int i = 0; i < 20'000; ++i) values.push_back(random.below(uint64_t{1} << (1 + random.below(30))));
  const HistogramSummary summary = summaryOf(values);
  std::sort(values.begin(), values.end());
  EXPECT_EQ(summary.quantiles.front(), values.front());
  EXPECT_EQ(summary.quantiles.back(), values.back());
  for (size_t i = 1; i + 1 < summary.quantiles.size(); ++i) {
    const double rank = std::ceil(kHistogramQuantiles[i].fraction * static_cast<double>(values.size()));
    const auto exact = static_cast<double>(values[static_cast<size_t>(rank) - 1]);
    EXPECT_NEAR(static_cast<double>(summary.quantiles[i]), exact, exact * 0.032);
  }
}

TEST(HistogramTest, CountsExactlyAtAndAroundEachPrometheusBound) {
  for (size_t i = 0; i < kHistogramBounds.size(); ++i) {
    const uint64_t at = kHistogramBounds[i].largest;
    const HistogramSummary summary = summaryOf({at, at, at + 1});
    EXPECT_EQ(summary.cumulative[i], 2u) << kHistogramBounds[i].text;
    EXPECT_EQ(summary.count, 3u);
    EXPECT_EQ(summary.sum, 3 * at + 1);
    EXPECT_EQ(i == 0 ? 0 : summary.cumulative[i - 1], 0u);
  }
}

TEST(HistogramTest, ReportsHugeValuesAsTheLargestSeen) {
  const HistogramSummary summary = summaryOf({1, UINT64_MAX - 1, UINT64_MAX - 1});
  EXPECT_EQ(summary.quantiles[2], UINT64_MAX - 1);
  EXPECT_EQ(summary.quantiles[8], UINT64_MAX - 1);
  EXPECT_EQ(summary.cumulative.back(), 1u);
  EXPECT_EQ(summary.count, 3u);
}

TEST(HistogramTest, AddsUpTheCellsOfWorkers) {
  const auto a = std::make_unique<HistogramCells>();
  const auto b = std::make_unique<HistogramCells>();
  for (int i = 0; i < 10; ++i) a->record(1);
  for (int i = 0; i < 10; ++i) b->record(30);
  HistogramReader reader;
  reader.add(*a);
  reader.add(*b);
  const HistogramSummary summary = reader.summary();
  EXPECT_EQ(summary.count, 20u);
  EXPECT_EQ(summary.sum, 310u);
  EXPECT_EQ(summary.quantiles, (std::array<uint64_t, 9>{1, 1, 1, 30, 30, 30, 30, 30, 30}));
}

}  // namespace
}  // namespace weir::stats
