#include "source/stats/chunked_array.h"

#include <cstdint>
#include <set>

#include "gtest/gtest.h"

namespace weir::stats {
namespace {

TEST(ChunkedArrayTest, GivesEachIndexACellThatStartsAtZeroAndStays) {
  ChunkedArray<uint64_t> array;
  array.grow(1);
  std::atomic<uint64_t>* const first = &array.at(0);
  first->store(7);
  std::set<const void*> cells;
  for (uint32_t i = 0; i < 10'000; ++i) {
    array.grow(i + 1);
    if (i > 0) {
      EXPECT_EQ(array.at(i).load(), 0u);
      array.at(i).store(i);
    }
    cells.insert(&array.at(i));
  }
  EXPECT_EQ(cells.size(), 10'000u);
  EXPECT_EQ(&array.at(0), first);
  EXPECT_EQ(array.at(0).load(), 7u);
  for (uint32_t i = 1; i < 10'000; ++i) ASSERT_EQ(array.at(i).load(), i);
}

TEST(ChunkedArrayTest, DoesNotShareACacheLineWithOthers) {
  ChunkedArray<uint64_t> array;
  array.grow(65);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(&array.at(0)) % 64, 0u);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(&array.at(64)) % 64, 0u);
}

TEST(ChunkedArrayDeathTest, WritingWhatWasNeverAddedIsABug) {
  ChunkedArray<uint64_t> array;
  array.grow(1);
  EXPECT_DEATH(array.at(64).store(1), "registered before");
  EXPECT_DEATH(array.at(UINT32_MAX).store(1), "registered before");
}

}  // namespace
}  // namespace weir::stats
