#include "source/upstream/lb/weighted_draw.h"

#include <vector>

#include "gtest/gtest.h"
#include "source/base/random.h"
#include "test/upstream/lb/statistics.h"

namespace weir::upstream::lb {
namespace {

TEST(WeightedDrawTest, DrawsInProportionToTheWeights) {
  const std::vector<std::vector<double>> tables = {{1},          {1, 1},    {5, 1, 3},       {0, 1, 0, 2},
                                                   {0.01, 0.99}, {1, 1000}, {35, 35, 28, 0}, {1e-9, 1, 1e9}};
  for (const std::vector<double>& weights : tables) {
    const WeightedDraw draw(weights);
    base::Random random(7);
    std::vector<uint64_t> seen(weights.size(), 0);
    for (int i = 0; i < 200000; ++i) ++seen[draw.draw(random.next())];
    EXPECT_LT(chiSquare(seen, weights), critical(std::max<size_t>(weights.size() - 1, 1))) << weights.size();
  }
}

TEST(WeightedDrawTest, DrawsEvenlyFromAThousand) {
  const std::vector<double> weights(1000, 1.0);
  const WeightedDraw draw(weights);
  base::Random random(8);
  std::vector<uint64_t> seen(weights.size(), 0);
  for (int i = 0; i < 1000000; ++i) ++seen[draw.draw(random.next())];
  EXPECT_LT(chiSquare(seen, weights), critical(999));
}

TEST(WeightedDrawTest, NeverDrawsWhatWeighsNothing) {
  for (size_t nothing = 0; nothing < 9; ++nothing) {
    std::vector<double> weights(9, 1.0 / 3);
    weights[nothing] = 0;
    const WeightedDraw draw(weights);
    base::Random random(nothing);
    for (int i = 0; i < 10000; ++i) ASSERT_NE(draw.draw(random.next()), nothing);
    for (uint64_t column = 0; column < 9; ++column) {
      ASSERT_NE(draw.draw((column * (uint64_t{1} << 32) / 9 + 1) << 32), nothing);
      ASSERT_NE(draw.draw((column * (uint64_t{1} << 32) / 9 + 1) << 32 | UINT32_MAX), nothing);
    }
  }
}

TEST(WeightedDrawTest, IsEmptyWithoutWeights) {
  EXPECT_TRUE(WeightedDraw({}).empty());
  EXPECT_EQ(WeightedDraw({1, 2}).size(), 2u);
}

}  // namespace
}  // namespace weir::upstream::lb
