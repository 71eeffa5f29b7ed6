#include "source/upstream/lb/slow_start.h"

#include <vector>

#include "gtest/gtest.h"

namespace weir::upstream::lb {
namespace {

TEST(SlowStartTest, FollowsThePublishedFormula) {
  struct Row {
    double aggression;
    int age_seconds;
    uint32_t weight;  // of 1000, window 60 s, at least 10 %
  };
  for (const Row& row : std::vector<Row>{{1.0, 0, 100},
                                         {1.0, 1, 100},
                                         {1.0, 6, 100},
                                         {1.0, 12, 200},
                                         {1.0, 30, 500},
                                         {1.0, 59, 983},
                                         {1.0, 60, 1000},
                                         {1.0, 600, 1000},
                                         {2.0, 15, 500},
                                         {2.0, 30, 707},
                                         {0.5, 30, 250},
                                         {0.5, 15, 100}}) {
    const SlowStart slow_start = {.window = absl::Seconds(60), .aggression = row.aggression};
    EXPECT_EQ(slow_start.weight(1000, absl::Seconds(row.age_seconds)), row.weight)
        << row.aggression << " " << row.age_seconds;
  }
}

TEST(SlowStartTest, TheFirstSecondCountsAsAWhole) {
  const SlowStart slow_start = {.window = absl::Seconds(4), .min_weight_percent = 0};
  EXPECT_EQ(slow_start.weight(100, absl::ZeroDuration()), 25u);
  EXPECT_EQ(slow_start.weight(100, absl::Milliseconds(999)), 25u);
  EXPECT_EQ(slow_start.weight(100, absl::Seconds(2)), 50u);
}

TEST(SlowStartTest, AWeightIsOneAtLeastAndNeverMoreThanTheWhole) {
  const SlowStart slow_start = {.window = absl::Hours(1), .min_weight_percent = 0};
  EXPECT_EQ(slow_start.weight(1, absl::Seconds(1)), 1u);
  EXPECT_EQ(slow_start.weight(4294967295, absl::Hours(1)), 4294967295u);
  const SlowStart shorter_than_a_second = {.window = absl::Milliseconds(500)};
  EXPECT_EQ(shorter_than_a_second.weight(10, absl::Milliseconds(100)), 10u);
}

TEST(SlowStartTest, WithoutAWindowThereIsNone) {
  EXPECT_EQ(SlowStart{}.weight(7, absl::ZeroDuration()), 7u);
  EXPECT_TRUE(SlowStart{}.over(absl::ZeroDuration()));
}

}  // namespace
}  // namespace weir::upstream::lb
