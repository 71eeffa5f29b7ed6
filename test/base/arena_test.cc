#include "source/base/arena.h"

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace weir::base {
namespace {

class Noisy {
 public:
  Noisy(std::vector<int>& log, int id) : log_(log), id_(id) {}
  ~Noisy() { log_.push_back(id_); }

 private:
  std::vector<int>& log_;
  int id_;
};

TEST(ArenaTest, AlignsEveryRequest) {
  ChunkPool pool;
  Arena arena(pool);
  for (size_t alignment : {1, 2, 4, 8, 16, 64, 256}) {
    for (size_t bytes : {1, 3, 100, 4000, 5000}) {
      auto* p = static_cast<char*>(arena.allocate(bytes, alignment));
      ASSERT_NE(p, nullptr);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(p) % alignment, 0u);
      memset(p, 0xab, bytes);
    }
  }
}

TEST(ArenaTest, KeepsWhatWasWrittenAcrossChunks) {
  ChunkPool pool;
  Arena arena(pool);
  std::vector<std::string_view> views;
  for (int i = 0; i < 2000; ++i) views.push_back(arena.copy("value-" + std::to_string(i)));
  views.push_back(arena.copy(std::string(100'000, 'x')));
  views.push_back(arena.copy("after the large one"));
  for (int i = 0; i < 2000; ++i) EXPECT_EQ(views[i], "value-" + std::to_string(i));
  EXPECT_EQ(views[2000].size(), 100'000u);
  EXPECT_EQ(views[2001], "after the large one");
}

TEST(ArenaTest, CopiesLowersAndJoins) {
  ChunkPool pool;
  Arena arena(pool);
  EXPECT_EQ(arena.copyLower("X-Forwarded-FOR@[`{\xc4"), "x-forwarded-for@[`{\xc4");
  EXPECT_EQ(arena.join("a", "b"), "ab");
  EXPECT_EQ(arena.join("", "b"), "b");
  EXPECT_EQ(arena.join("a", ""), "a");
  EXPECT_EQ(arena.join("", ""), "");
  EXPECT_EQ(arena.copy(""), "");
}

TEST(ArenaTest, RunsDestructorsLastMadeFirst) {
  ChunkPool pool;
  std::vector<int> log;
  {
    Arena arena(pool);
    arena.make<Noisy>(log, 1);
    arena.make<int>(7);
    arena.make<Noisy>(log, 2);
    arena.reset();
    EXPECT_EQ(log, (std::vector<int>{2, 1}));
    EXPECT_EQ(arena.used(), 0u);
    arena.make<Noisy>(log, 3);
  }
  EXPECT_EQ(log, (std::vector<int>{2, 1, 3}));
}

TEST(ArenaTest, CountsBytesHandedOut) {
  ChunkPool pool;
  Arena arena(pool);
  arena.allocateChars(10);
  arena.allocateChars(5000);
  EXPECT_EQ(arena.used(), 5010u);
}

TEST(ArenaTest, TakesTheSameChunksAgainAfterReset) {
  ChunkPool pool;
  Arena arena(pool);
  void* const first = arena.allocate(16);
  arena.reset();
  EXPECT_EQ(arena.allocate(16), first);
}

TEST(ChunkPoolTest, GivesBackToTheHeapAboveItsBound) {
  ChunkPool pool(1);
  void* a = pool.take();
  void* b = pool.take();
  pool.give(a);
  pool.give(b);  // freed; a leak or a double free is seen by the sanitizer
  EXPECT_EQ(pool.take(), a);
  pool.give(a);
}

}  // namespace
}  // namespace weir::base
