#include "source/base/random.h"

#include <array>
#include <set>

#include "gtest/gtest.h"

namespace weir::base {
namespace {

TEST(RandomTest, SameSeedGivesTheSameNumbers) {
  Random a(42);
  Random b(42);
  Random c(43);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    const uint64_t n = a.next();
    EXPECT_EQ(n, b.next());
    differs |= n != c.next();
  }
  EXPECT_TRUE(differs);
}

TEST(RandomTest, BelowStaysBelowAndReachesEveryValueEvenly) {
  Random random(7);
  std::array<int, 10> seen{};
  for (int i = 0; i < 100'000; ++i) {
    const uint64_t n = random.below(10);
    ASSERT_LT(n, 10u);
    ++seen[n];
  }
  // 10,000 expected each; 5 standard deviations are 475.
  for (int count : seen) EXPECT_NEAR(count, 10'000, 475);
}

TEST(RandomTest, BelowOneIsZeroAndLargeBoundsWork) {
  Random random(7);
  const uint64_t large = (uint64_t{1} << 63) + 1;
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(random.below(1), 0u);
    EXPECT_LT(random.below(large), large);
  }
}

TEST(RandomTest, EntropyDiffersEachTime) {
  std::set<uint64_t> seeds;
  for (int i = 0; i < 8; ++i) seeds.insert(Random::entropy());
  EXPECT_EQ(seeds.size(), 8u);
}

}  // namespace
}  // namespace weir::base
