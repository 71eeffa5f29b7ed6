#include "source/upstream/lb/weighted_split.h"

#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "source/upstream/lb/maglev.h"
#include "source/upstream/lb/pick_first.h"
#include "test/upstream/lb/hosts.h"
#include "test/upstream/lb/statistics.h"

namespace weir::upstream::lb {
namespace {

WeightedSplit splitOf(const std::vector<double>& weights) {
  std::vector<WeightedSplit::Part> parts;
  for (uint32_t i = 0; i < weights.size(); ++i) {
    parts.push_back({weights[i], std::make_unique<PickFirst>(std::vector<Candidate>{{i, 1}})});
  }
  return WeightedSplit(std::move(parts), 0);
}

TEST(WeightedSplitTest, GivesEachPartItsWeight) {
  const std::vector<double> weights = {36, 36, 28, 0};
  WeightedSplit split = splitOf(weights);
  base::Random random(2);
  std::vector<uint64_t> at_random(4, 0), by_hash(4, 0);
  for (uint64_t i = 0; i < 100000; ++i) {
    ++at_random[*split.pick({.random = random})];
    ++by_hash[*split.pick({.random = random, .hash = i})];
  }
  EXPECT_LT(chiSquare(at_random, weights), critical(2));
  EXPECT_LT(chiSquare(by_hash, weights), critical(2));
}

TEST(WeightedSplitTest, AHashStaysInItsPartOverAttempts) {
  WeightedSplit split = splitOf({1, 1, 1});
  base::Random random(2);
  for (uint64_t hash = 0; hash < 100; ++hash) {
    const auto host = split.pick({.random = random, .hash = hash});
    EXPECT_EQ(split.pick({.random = random, .hash = hash, .attempt = 1}), host);
  }
}

// A split in a split in a split, with a table by hash inside: if the choices were related, some hosts would starve.
TEST(WeightedSplitTest, ChoicesOnSeveralFloorsAreIndependent) {
  std::vector<WeightedSplit::Part> levels;
  uint32_t next = 0;
  for (int level = 0; level < 2; ++level) {
    std::vector<WeightedSplit::Part> localities;
    for (int locality = 0; locality < 2; ++locality) {
      std::vector<KeyedCandidate> hosts;
      for (int i = 0; i < 4; ++i, ++next) hosts.push_back({{next, 1}, std::to_string(next)});
      localities.push_back({1, std::make_unique<Maglev>(std::make_shared<const MaglevTable>(hosts, 65537))});
    }
    levels.push_back({1, std::make_unique<WeightedSplit>(std::move(localities), 1)});
  }
  WeightedSplit split(std::move(levels), 0);
  base::Random random(2);
  std::vector<uint64_t> seen(next, 0);
  for (uint64_t i = 0; i < 100000; ++i) ++seen[*split.pick({.random = random, .hash = mixHash(i + 1)})];
  EXPECT_LT(chiSquare(seen, std::vector<double>(next, 1)), critical(next - 1));
}

TEST(WeightedSplitTest, HasNoHostWhenNothingWeighs) {
  base::Random random(2);
  EXPECT_FALSE(splitOf({}).pick({.random = random}).has_value());
  EXPECT_FALSE(splitOf({0, 0}).pick({.random = random}).has_value());
}

}  // namespace
}  // namespace weir::upstream::lb
