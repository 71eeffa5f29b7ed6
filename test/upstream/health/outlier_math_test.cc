#include "source/upstream/health/outlier_math.h"

#include <vector>

#include "gtest/gtest.h"

namespace weir::upstream::health {
namespace {

// `rates` in percent of 100 requests each.
std::optional<SuccessRates> ratesOf(const std::vector<uint64_t>& rates, double factor, uint32_t hosts = 5) {
  std::vector<Tally> tallies;
  for (const uint64_t rate : rates) tallies.push_back({rate, 100});
  return successRates(tallies, 100, hosts, factor);
}

struct Row {
  std::vector<uint64_t> rates;
  double factor;
  double average;
  double threshold;
};

// mean - factor * standard deviation of the whole population, worked out by hand.
TEST(OutlierMathTest, SuccessRatesFollowTheTable) {
  const Row rows[] = {
      {{100, 100, 100, 100, 100}, 1.9, 100, 100},                      // deviation 0: nobody is below
      {{50, 100, 100, 100, 100}, 1.9, 90, 52},                         // deviation 20
      {{50, 100, 100, 100, 100}, 1.0, 90, 70},                         //
      {{0, 100, 100, 100, 100}, 1.9, 80, 4},                           // deviation 40
      {{90, 92, 94, 96, 98}, 1.9, 94, 94 - 1.9 * 2.8284271247461903},  // variance 8
      {{0, 0, 100, 100}, 1.9, 50, -45},                                // half of them: none is an outlier
      {{20, 40, 40, 40, 50, 50, 70, 90}, 2.0, 50, 10},                 // deviation 20
  };
  for (const Row& row : rows) {
    const auto rates = ratesOf(row.rates, row.factor, 4);
    ASSERT_TRUE(rates.has_value());
    EXPECT_NEAR(rates->average, row.average, 1e-9);
    EXPECT_NEAR(rates->threshold, row.threshold, 1e-9);
  }
}

TEST(OutlierMathTest, TooFewHostsOrRequestsSayNothing) {
  EXPECT_FALSE(ratesOf({0, 100, 100, 100}, 1.9, 5).has_value());
  EXPECT_TRUE(ratesOf({0, 100, 100, 100}, 1.9, 4).has_value());
  EXPECT_FALSE(ratesOf({}, 1.9, 0).has_value());
  const std::vector<Tally> idle = {{100, 100}, {100, 100}, {0, 99}, {0, 0}};
  EXPECT_FALSE(successRates(idle, 100, 3, 1.9).has_value());
  const auto rates = successRates(idle, 100, 2, 1.9);
  ASSERT_TRUE(rates.has_value());
  EXPECT_DOUBLE_EQ(rates->average, 100) << "a host with too few requests is left out";
}

TEST(OutlierMathTest, AtMostTheGivenPercentageIsEjected) {
  OutlierConfig config;
  struct Case {
    uint32_t percent;
    size_t ejected, hosts;
    bool may;
  };
  const Case cases[] = {{10, 0, 10, true}, {10, 1, 10, false}, {10, 0, 9, false},  {50, 0, 2, true},
                        {50, 1, 2, false}, {100, 1, 2, true},  {0, 0, 100, false}, {34, 0, 3, true},
                        {33, 0, 3, false}, {10, 0, 0, false},  {100, 2, 2, false}};
  for (const Case& row : cases) {
    config.max_ejection_percent = row.percent;
    EXPECT_EQ(mayEject(config, row.ejected, row.hosts), row.may)
        << row.percent << " % of " << row.hosts << ", " << row.ejected << " are out";
  }
  config.max_ejection_percent = 0;
  config.always_eject_one_host = true;
  EXPECT_TRUE(mayEject(config, 0, 3));
  EXPECT_FALSE(mayEject(config, 1, 3));
}

TEST(OutlierMathTest, EjectionsGrowWithTheirNumberUpToTheMaximum) {
  OutlierConfig config;
  EXPECT_EQ(ejectionTime(config, 1), absl::Seconds(30));
  EXPECT_EQ(ejectionTime(config, 2), absl::Seconds(60));
  EXPECT_EQ(ejectionTime(config, 10), absl::Seconds(300));
  EXPECT_EQ(ejectionTime(config, 4'000'000'000), absl::Seconds(300));
  config.base_ejection_time = absl::Seconds(400);
  EXPECT_EQ(ejectionTime(config, 1), absl::Seconds(400)) << "the maximum is never below the base";
}

}  // namespace
}  // namespace weir::upstream::health
