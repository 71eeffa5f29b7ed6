#include "source/upstream/lb/pick_first.h"

#include <vector>

#include "gtest/gtest.h"
#include "test/upstream/lb/hosts.h"
#include "test/upstream/lb/statistics.h"

namespace weir::upstream::lb {
namespace {

TEST(PickFirstTest, PicksTheFirstAndThenTheNext) {
  PickFirst policy({{4, 1}, {2, 9}, {7, 1}});
  base::Random random(1);
  for (const auto& [attempt, host] :
       std::vector<std::pair<uint32_t, uint32_t>>{{0, 4}, {0, 4}, {1, 2}, {2, 7}, {3, 4}}) {
    EXPECT_EQ(policy.pick({.random = random, .attempt = attempt}), host);
  }
}

TEST(PickFirstTest, HasNoHostWithoutCandidates) {
  base::Random random(1);
  EXPECT_FALSE(PickFirst({}).pick({.random = random}).has_value());
}

TEST(PickFirstTest, ShufflingPutsEachHostAtEachPlaceEquallyOften) {
  base::Random random(3);
  const size_t n = 5;
  std::vector<std::vector<uint64_t>> seen(n, std::vector<uint64_t>(n, 0));
  for (int i = 0; i < 20000; ++i) {
    const std::vector<Candidate> order = PickFirst::shuffled(candidates({1, 2, 3, 4, 5}), random);
    for (size_t place = 0; place < n; ++place) ++seen[place][order[place].host];
  }
  for (const auto& place : seen) EXPECT_LT(chiSquare(place, std::vector<double>(n, 1)), critical(n - 1));
}

}  // namespace
}  // namespace weir::upstream::lb
