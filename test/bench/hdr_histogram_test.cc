#include "bench/load/hdr_histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "source/base/random.h"

namespace weir::bench {
namespace {

constexpr int64_t kMinute = int64_t{60} * 1000 * 1000 * 1000;

TEST(HdrHistogram, EmptyHasNothing) {
  const HdrHistogram histogram(kMinute);
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.quantile(0.99), 0);
}

TEST(HdrHistogram, SmallValuesAreExact) {
  HdrHistogram histogram(kMinute);
  for (int64_t i = 1; i <= 1000; ++i) histogram.record(i);
  EXPECT_EQ(histogram.quantile(0.5), 500);
  EXPECT_EQ(histogram.quantile(0.999), 999);
  EXPECT_EQ(histogram.quantile(1), 1000);
  EXPECT_EQ(histogram.mean(), 500.5);
}

TEST(HdrHistogram, ValuesAboveTheHighestCountAsIt) {
  HdrHistogram histogram(1000);
  histogram.record(123456789);
  EXPECT_EQ(histogram.max(), 1000);
}

// Three significant digits at every magnitude, against the sorted values themselves.
TEST(HdrHistogram, QuantilesAreWithinAThousandth) {
  HdrHistogram histogram(kMinute);
  base::Random random(7);
  std::vector<int64_t> all;
  for (int i = 0; i < 100000; ++i) {
    const auto magnitude = static_cast<double>(random.below(1000)) / 100.0;
    all.push_back(static_cast<int64_t>(std::pow(10.0, magnitude)));
    histogram.record(all.back());
  }
  std::sort(all.begin(), all.end());
  for (const double share : {0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999}) {
    const int64_t exact = all[static_cast<size_t>(std::ceil(share * static_cast<double>(all.size()))) - 1];
    EXPECT_GE(histogram.quantile(share), exact);
    EXPECT_LE(static_cast<double>(histogram.quantile(share)), static_cast<double>(exact) * 1.001 + 1) << share;
  }
}

}  // namespace
}  // namespace weir::bench
