#include "source/proxy/sized_pool.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <vector>

#include "gtest/gtest.h"

namespace weir::proxy {
namespace {

constexpr size_t kBytes = 600;
constexpr size_t kPerSlab = SizedPool::kSlabBytes / 608;  // and a header, which takes none of them away

TEST(SizedPoolTest, GivesMemoryThatIsNobodyElses) {
  SizedPool pool(0);
  std::vector<void*> all;
  for (size_t i = 0; i < 1000; ++i) {
    all.push_back(pool.take(kBytes));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(all.back()) % alignof(std::max_align_t), 0u);
    std::memset(all.back(), static_cast<int>(i % 251), kBytes);
  }
  for (size_t i = 0; i < all.size(); ++i) {
    const auto* const bytes = static_cast<const unsigned char*>(all[i]);
    EXPECT_TRUE(std::all_of(bytes, bytes + kBytes, [i](unsigned char byte) { return byte == i % 251; })) << i;
  }
  for (void* memory : all) pool.give(memory);
}

TEST(SizedPoolTest, TakesTheSameMemoryAgain) {
  SizedPool pool(0);
  void* const first = pool.take(kBytes);
  for (int i = 0; i < 1000; ++i) {
    void* const second = pool.take(kBytes);
    pool.give(second);
    EXPECT_EQ(pool.take(kBytes), second);
    pool.give(second);
  }
  EXPECT_EQ(pool.slabs(), 1u);
  pool.give(first);
  // One slab stays, so that one object that comes and goes costs no system call.
  EXPECT_EQ(pool.slabs(), 1u);
}

TEST(SizedPoolTest, GivesSlabsBackAfterABurst) {
  SizedPool pool(2 * kPerSlab);
  std::vector<void*> all;
  for (size_t i = 0; i < 20 * kPerSlab; ++i) all.push_back(pool.take(kBytes));
  EXPECT_EQ(pool.slabs(), 20u);
  // All but every third, then the rest: whatever order it is.
  for (size_t i = 0; i < all.size(); ++i) {
    if (i % 3 != 0) pool.give(all[i]);
  }
  EXPECT_EQ(pool.slabs(), 20u);
  for (size_t i = 0; i < all.size(); i += 3) pool.give(all[i]);
  EXPECT_EQ(pool.slabs(), 2u);
  for (size_t i = 0; i < 2 * kPerSlab; ++i) all[i] = pool.take(kBytes);
  EXPECT_EQ(pool.slabs(), 2u);
  EXPECT_EQ(std::set<void*>(all.begin(), all.begin() + 2 * kPerSlab).size(), 2 * kPerSlab);
  for (size_t i = 0; i < 2 * kPerSlab; ++i) pool.give(all[i]);
}

TEST(SizedPoolTest, FillsSlabsThatHaveObjectsBeforeOthers) {
  SizedPool pool(0);
  std::vector<void*> all;
  for (size_t i = 0; i < 3 * kPerSlab; ++i) all.push_back(pool.take(kBytes));
  for (size_t i = kPerSlab; i < 2 * kPerSlab; ++i) pool.give(all[i]);  // an empty slab in the middle
  pool.give(all.front());
  EXPECT_EQ(pool.take(kBytes), all.front());
  for (size_t i = 0; i < kPerSlab; ++i) pool.give(all[i]);
  for (size_t i = 2 * kPerSlab; i < 3 * kPerSlab; ++i) pool.give(all[i]);
  EXPECT_EQ(pool.slabs(), 1u);
}

}  // namespace
}  // namespace weir::proxy
