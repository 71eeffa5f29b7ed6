#include "source/upstream/lb/priority_load.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace weir::upstream::lb {
namespace {

std::vector<LevelHealth> levelsOf(const std::vector<uint64_t>& healthy_percents) {
  std::vector<LevelHealth> out;
  for (const uint64_t healthy : healthy_percents) out.push_back({healthy, 0, 100});
  return out;
}

std::vector<uint32_t> healthyLoads(const PriorityLoads& loads) {
  std::vector<uint32_t> out;
  for (const LevelLoad& level : loads.levels) out.push_back(level.healthy);
  return out;
}

using Row = std::pair<std::vector<uint64_t>, std::vector<uint32_t>>;

// Envoy's documentation, "Priority levels": all three tables, healthy endpoints to traffic.
TEST(PriorityLoadTest, MatchesThePublishedTablesOfPriorities) {
  const std::vector<Row> rows = {
      {{100, 100}, {100, 0}},         {{72, 100}, {100, 0}},         {{71, 100}, {99, 1}},
      {{50, 100}, {70, 30}},          {{25, 100}, {35, 65}},         {{0, 100}, {0, 100}},

      {{72, 72}, {100, 0}},           {{71, 71}, {99, 1}},           {{50, 50}, {70, 30}},
      {{25, 25}, {50, 50}},

      {{100, 100, 100}, {100, 0, 0}}, {{72, 72, 100}, {100, 0, 0}},  {{71, 71, 100}, {99, 1, 0}},
      {{50, 50, 100}, {70, 30, 0}},   {{25, 100, 100}, {35, 65, 0}}, {{25, 25, 100}, {35, 35, 30}},
      {{25, 25, 20}, {36, 36, 28}},
  };
  for (const auto& [healthy, loads] : rows) {
    EXPECT_EQ(healthyLoads(priorityLoads(levelsOf(healthy), {})), loads) << testing::PrintToString(healthy);
  }
}

// "Panic threshold": both tables. Two rows of the second print other loads for 50/60 and 25/100 than the rule and the
// tables of priorities give; here they are by the rule.
TEST(PriorityLoadTest, MatchesThePublishedTablesOfPanic) {
  struct PanicRow {
    uint64_t healthy[2];
    uint32_t load[2];
    bool panic[2];
    uint32_t available;
  };
  const std::vector<PanicRow> rows = {
      {{72, 100}, {100, 0}, {false, false}, 100}, {{71, 100}, {99, 1}, {false, false}, 100},
      {{50, 100}, {70, 30}, {false, false}, 100}, {{25, 100}, {35, 65}, {false, false}, 100},
      {{0, 100}, {0, 100}, {false, false}, 100},  {{72, 72}, {100, 0}, {false, false}, 100},
      {{71, 71}, {99, 1}, {false, false}, 100},   {{50, 60}, {70, 30}, {false, false}, 100},
      {{25, 25}, {50, 50}, {true, true}, 70},     {{5, 65}, {7, 93}, {true, false}, 98},
  };
  for (const PanicRow& row : rows) {
    const PriorityLoads loads = priorityLoads(levelsOf({row.healthy[0], row.healthy[1]}), {});
    const std::string name = std::to_string(row.healthy[0]) + "/" + std::to_string(row.healthy[1]);
    for (size_t i = 0; i < 2; ++i) {
      EXPECT_EQ(loads.levels[i].healthy, row.load[i]) << name;
      EXPECT_EQ(loads.levels[i].panic, row.panic[i]) << name;
    }
    EXPECT_EQ(loads.available, row.available) << name;
  }
}

// "Degraded endpoints": healthy/degraded/unhealthy of one level.
TEST(PriorityLoadTest, MatchesThePublishedTableOfDegradedHosts) {
  struct DegradedRow {
    uint64_t healthy, degraded;
    uint32_t to_healthy, to_degraded;
  };
  for (const DegradedRow& row :
       std::vector<DegradedRow>{{100, 0, 100, 0}, {71, 0, 100, 0}, {71, 29, 99, 1}, {25, 65, 35, 65}, {5, 0, 100, 0}}) {
    const PriorityLoads loads = priorityLoads({{row.healthy, row.degraded, 100}}, {});
    EXPECT_EQ(loads.levels[0].healthy, row.to_healthy) << row.healthy;
    EXPECT_EQ(loads.levels[0].degraded, row.to_degraded) << row.healthy;
  }
}

TEST(PriorityLoadTest, HealthyHostsOfALowerLevelComeBeforeDegradedOnesOfAHigher) {
  const PriorityLoads loads = priorityLoads({{20, 80, 100}, {50, 50, 100}}, {});
  EXPECT_EQ(loads.levels[0].healthy, 28u);
  EXPECT_EQ(loads.levels[1].healthy, 70u);
  EXPECT_EQ(loads.levels[0].degraded, 2u);
  EXPECT_EQ(loads.levels[1].degraded, 0u);
}

TEST(PriorityLoadTest, WithoutAnyHostEverythingGoesToTheFirstLevelThatHasSome) {
  const PriorityLoads panicking = priorityLoads({{0, 0, 0}, {0, 0, 5}, {0, 0, 5}}, {});
  EXPECT_EQ(healthyLoads(panicking), (std::vector<uint32_t>{0, 100, 0}));
  EXPECT_TRUE(panicking.levels[1].panic);
  EXPECT_FALSE(panicking.levels[0].panic);
  const PriorityLoads calm = priorityLoads({{0, 0, 5}}, {.panic_threshold_percent = 0});
  EXPECT_FALSE(calm.levels[0].panic);
  EXPECT_EQ(calm.levels[0].healthy, 100u);
  EXPECT_TRUE(priorityLoads({}, {}).levels.empty());
  EXPECT_EQ(healthyLoads(priorityLoads({{0, 0, 0}}, {})), (std::vector<uint32_t>{0}));
}

TEST(PriorityLoadTest, ThePanicThresholdIsBelowAndNotAt) {
  const PriorityOptions none_spare = {.overprovisioning_percent = 100, .panic_threshold_percent = 50};
  EXPECT_FALSE(priorityLoads({{50, 0, 100}}, none_spare).levels[0].panic);
  EXPECT_TRUE(priorityLoads({{49, 0, 100}}, none_spare).levels[0].panic);
  EXPECT_FALSE(priorityLoads({{30, 20, 100}}, none_spare).levels[0].panic);
}

TEST(PriorityLoadTest, LoadsAlwaysAddUpToAHundred) {
  for (uint64_t a = 0; a <= 20; ++a) {
    for (uint64_t b = 0; b <= 20; ++b) {
      for (uint64_t c = 0; c <= 20; ++c) {
        const PriorityLoads loads = priorityLoads({{a, 20 - a, 40}, {b, c, 60}, {c, 0, 20}, {0, 0, 0}}, {});
        uint32_t sum = 0;
        for (const LevelLoad& level : loads.levels) sum += level.healthy + level.degraded;
        ASSERT_EQ(sum, 100u) << a << " " << b << " " << c;
      }
    }
  }
}

TEST(PriorityLoadTest, TakesSumsOfWeightsWithoutOverflow) {
  const uint64_t large = uint64_t{1} << 62;
  EXPECT_EQ(healthyLoads(priorityLoads({{large / 2, 0, large}, {large, 0, large}}, {})),
            (std::vector<uint32_t>{70, 30}));
}

}  // namespace
}  // namespace weir::upstream::lb
