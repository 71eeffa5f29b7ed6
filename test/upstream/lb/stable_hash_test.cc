#include "source/upstream/lb/stable_hash.h"

#include <bit>
#include <string>

#include "gtest/gtest.h"

namespace weir::upstream::lb {
namespace {

// The published vectors of FNV-1a with 64 bits, and one of the finaliser.
TEST(StableHashTest, IsFnv1aWithTheFinaliserOfMurmur3) {
  EXPECT_EQ(mixHash(1), 0xb456bcfc34c2cb2cu);
  EXPECT_EQ(stableHash(""), mixHash(0xcbf29ce484222325));
  EXPECT_EQ(stableHash("a"), mixHash(0xaf63dc4c8601ec8c));
  EXPECT_EQ(stableHash("foobar"), mixHash(0x85944171f73967e8));
  EXPECT_EQ(stableHash("\xff"), mixHash((0xcbf29ce484222325 ^ 0xff) * 0x100000001b3));
}

TEST(StableHashTest, EachBitOfTheInputChangesHalfTheBitsOfTheResult) {
  uint64_t changed = 0;
  const std::string text = "10.11.12.13:8080";
  for (size_t bit = 0; bit < text.size() * 8; ++bit) {
    std::string other = text;
    other[bit / 8] = static_cast<char>(other[bit / 8] ^ (1 << (bit % 8)));
    changed += std::popcount(stableHash(text) ^ stableHash(other));
  }
  // 128 trials of 64 bits: 32 on average, with a deviation of 4 / sqrt(128) = 0.35.
  EXPECT_NEAR(static_cast<double>(changed) / (text.size() * 8), 32, 4 * 0.36);
}

TEST(StableHashTest, SeedsGiveUnrelatedHashes) {
  EXPECT_NE(stableHash("a", 1), stableHash("a", 2));
  EXPECT_NE(stableHash("a", 1), stableHash("a"));
}

}  // namespace
}  // namespace weir::upstream::lb
