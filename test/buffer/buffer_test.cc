#include "source/buffer/buffer.h"

#include <array>
#include <cstring>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "source/base/poison.h"

namespace weir::buffer {
namespace {

size_t pieces(const Buffer& buffer) {
  size_t count = 0;
  buffer.forEachPiece([&](std::string_view) {
    ++count;
    return true;
  });
  return count;
}

TEST(BufferTest, IsFortyBytesAndHoldsNoBlockWhenEmpty) {
  EXPECT_EQ(sizeof(Buffer), 40u);
  BlockPool pool;
  Buffer buffer(pool);
  EXPECT_EQ(pool.inUse(), 0u);
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.front(), "");
  buffer.append("x");
  EXPECT_EQ(pool.inUse(), 1u);
  buffer.drain(1);
  EXPECT_EQ(pool.inUse(), 0u);
}

TEST(BufferTest, PacksOneByteAppendsIntoOneBlock) {
  BlockPool pool;
  Buffer buffer(pool);
  for (int i = 0; i < 1000; ++i) buffer.append("a");
  EXPECT_EQ(buffer.toString(), std::string(1000, 'a'));
  EXPECT_EQ(pieces(buffer), 1u);
  EXPECT_EQ(pool.inUse(), 1u);
}

TEST(BufferTest, MovesLargeSlicesWithoutCopying) {
  BlockPool pool;
  Buffer a(pool);
  Buffer b(pool);
  a.append("start");
  b.append(std::string(1024, 'b'));
  const char* const bytes = b.front().data();
  a.append(std::move(b));
  EXPECT_TRUE(b.empty());
  EXPECT_EQ(a.size(), 1029u);
  bool found = false;
  a.forEachPiece([&](std::string_view piece) { return !(found |= piece.data() == bytes); });
  EXPECT_TRUE(found);
}

TEST(BufferTest, CopiesSlicesBelowTheBoundBehindTheTail) {
  BlockPool pool;
  Buffer a(pool);
  Buffer b(pool);
  a.append("start");
  b.append(std::string(1023, 'b'));
  a.append(std::move(b));
  EXPECT_EQ(pieces(a), 1u);
  EXPECT_EQ(pool.inUse(), 1u);
}

TEST(BufferTest, SmallPiecesOfManyBlocksEndUpInOne) {
  BlockPool pool;
  Buffer gathered(pool);
  for (int i = 0; i < 200; ++i) {
    Buffer one(pool);
    one.append(i % 2 == 0 ? "x" : "yz");
    gathered.append(std::move(one));
  }
  EXPECT_EQ(gathered.size(), 300u);
  EXPECT_EQ(pool.inUse(), 1u);
}

TEST(BufferTest, SmallPiecesCutFromABusyBlockDoNotKeepItAlive) {
  BlockPool pool;
  Buffer source(pool);
  Buffer kept(pool);
  kept.append("k");
  for (int i = 0; i < 10; ++i) {
    source.append(std::string(Block::kBytes, 's'));
    kept.moveFrom(source, 10);
    source.clear();
  }
  EXPECT_EQ(kept.size(), 101u);
  EXPECT_EQ(pool.inUse(), 1u);
}

TEST(BufferTest, LastBytesOfFullBlocksDoNotKeepThemAlive) {
  BlockPool pool;
  Buffer gathered(pool);
  for (int i = 0; i < 10; ++i) {
    Buffer full(pool);
    full.append(std::string(Block::kBytes, 'f'));
    full.drain(Block::kBytes - 1);
    gathered.append(std::move(full));
  }
  EXPECT_EQ(gathered.toString(), std::string(10, 'f'));
  EXPECT_LE(pool.inUse(), 2u);
}

TEST(BufferTest, SplittingSharesTheBlockAndRejoiningMendsTheCut) {
  BlockPool pool;
  Buffer a(pool);
  Buffer b(pool);
  a.append(std::string(4000, 'a'));
  b.moveFrom(a, 2000);
  EXPECT_EQ(pool.inUse(), 1u);
  EXPECT_EQ(a.size(), 2000u);
  EXPECT_EQ(b.size(), 2000u);
  b.append("!");  // must not write over the second half
  EXPECT_EQ(a.toString(), std::string(2000, 'a'));
  b.drain(2001);
  a.append("tail");
  b.moveFrom(a, 1500);
  b.append(std::move(a));
  EXPECT_EQ(b.toString(), std::string(2000, 'a') + "tail");
  EXPECT_EQ(pieces(b), 1u);
}

TEST(BufferTest, SharesLargeSlicesWithTheirHolder) {
  BlockPool pool;
  Buffer a(pool);
  Buffer b(pool);
  a.append(std::string(2000, 'a'));
  b.append("b");
  b.appendShared(a);
  EXPECT_EQ(a.toString(), std::string(2000, 'a'));
  EXPECT_EQ(b.toString(), "b" + std::string(2000, 'a'));
  EXPECT_EQ(pool.inUse(), 2u);
  // Both slices end where the block is free; only one may have what is behind them.
  a.append("of a");
  b.append("of b");
  EXPECT_EQ(a.toString(), std::string(2000, 'a') + "of a");
  EXPECT_EQ(b.toString(), "b" + std::string(2000, 'a') + "of b");
  a.drain(1000);
  a.prepend("front");
  EXPECT_EQ(a.toString(), "front" + std::string(1000, 'a') + "of a");
  a.clear();
  EXPECT_EQ(b.toString(), "b" + std::string(2000, 'a') + "of b");
  b.clear();
  EXPECT_EQ(pool.inUse(), 0u);
}

TEST(BufferTest, SharingCopiesWhatIsSmall) {
  BlockPool pool;
  Buffer held(pool);
  Buffer b(pool);
  for (int i = 0; i < 100; ++i) {
    Buffer a(pool);
    a.append(std::string(10, 'x'));
    b.appendShared(a);
  }
  EXPECT_EQ(b.toString(), std::string(1000, 'x'));
  EXPECT_EQ(pool.inUse(), 1u);
  held.append(std::string(5000, 'y'));
  b.appendShared(held);
  EXPECT_EQ(pieces(b), 2u);
  EXPECT_EQ(b.size(), 6000u);
}

TEST(BufferTest, MoveAndDrainTakeAllWhenAskedForMore) {
  BlockPool pool;
  Buffer a(pool);
  Buffer b(pool);
  a.append("abc");
  b.append("-");
  b.moveFrom(a, 100);
  EXPECT_EQ(b.toString(), "-abc");
  b.drain(100);
  EXPECT_TRUE(b.empty());
}

TEST(BufferTest, AppendsAPartOfItself) {
  BlockPool pool;
  Buffer buffer(pool);
  buffer.append("abc");
  buffer.append(buffer.front());
  EXPECT_EQ(buffer.toString(), "abcabc");
}

TEST(BufferTest, PrependsBeforeWhatIsThere) {
  BlockPool pool;
  Buffer buffer(pool);
  buffer.append("body");
  buffer.prepend("head ");
  buffer.prepend("my ");
  EXPECT_EQ(buffer.toString(), "my head body");
  const std::string large(40'000, 'p');
  buffer.prepend(large);
  EXPECT_EQ(buffer.toString(), large + "my head body");
  buffer.append("!");
  EXPECT_EQ(buffer.toString(), large + "my head body!");
}

TEST(BufferTest, ReservesTheTailFirstAndCommitsWhatWasRead) {
  BlockPool pool;
  Buffer buffer(pool);
  buffer.append("abc");
  std::array<iovec, 3> space;
  ASSERT_EQ(buffer.reserve(Block::kBytes, space), 2u);
  EXPECT_EQ(space[0].iov_base, buffer.front().data() + 3);
  EXPECT_EQ(space[0].iov_len, Block::kBytes - 3);
  memcpy(space[0].iov_base, "def", 3);
  buffer.commit(3);
  EXPECT_EQ(buffer.toString(), "abcdef");
  EXPECT_EQ(pieces(buffer), 1u);
  EXPECT_EQ(pool.inUse(), 1u);
}

TEST(BufferTest, AnEmptyBufferReservesOneBlock) {
  BlockPool pool;
  Buffer buffer(pool);
  iovec space = buffer.reserveBlock();
  EXPECT_EQ(space.iov_len, Block::kBytes);
  buffer.commit(0);
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(pool.inUse(), 0u);
  space = buffer.reserveBlock();
  memcpy(space.iov_base, "abc", 3);
  buffer.commit(3);
  EXPECT_TRUE(buffer.inOnePiece());
  buffer.append("def");
  EXPECT_EQ(buffer.toString(), "abcdef");
  EXPECT_EQ(pieces(buffer), 1u);
  buffer.drain(2);
  EXPECT_EQ(buffer.toString(), "cdef");
  buffer.drain(4);
  EXPECT_TRUE(buffer.empty());
  EXPECT_FALSE(buffer.inOnePiece());
  EXPECT_EQ(pool.inUse(), 0u);
  space = buffer.reserveBlock();
  memset(space.iov_base, 'x', space.iov_len);
  buffer.commit(Block::kBytes);
  EXPECT_EQ(buffer.size(), Block::kBytes);
}

TEST(BufferTest, ASmallBodyGoesBehindItsHead) {
  BlockPool pool;
  Buffer head(pool);
  Buffer body(pool);
  head.append("head ");
  body.append("body");
  head.moveFrom(body, body.size());
  EXPECT_TRUE(body.empty());
  EXPECT_EQ(head.toString(), "head body");
  EXPECT_EQ(pieces(head), 1u);
  EXPECT_EQ(pool.inUse(), 1u);
  // What is not to be moved whole stays.
  body.append("body");
  head.moveFrom(body, 2);
  EXPECT_EQ(head.toString(), "head bodybo");
  EXPECT_EQ(body.toString(), "dy");
}

TEST(BufferTest, GivesBackWhatWasReservedAndNotUsed) {
  BlockPool pool;
  Buffer buffer(pool);
  std::array<iovec, 4> space;
  EXPECT_EQ(buffer.reserve(64 * 1024, space), 4u);
  EXPECT_EQ(pool.inUse(), 4u);
  buffer.commit(0);
  EXPECT_EQ(pool.inUse(), 0u);
  {
    Buffer abandoned(pool);
    abandoned.reserve(1, space);
  }
  EXPECT_EQ(pool.inUse(), 0u);
}

TEST(BufferTest, CommitsOverSeveralBlocks) {
  BlockPool pool;
  Buffer buffer(pool);
  std::array<iovec, 4> space;
  const size_t count = buffer.reserve(2 * Block::kBytes, space);
  ASSERT_EQ(count, 2u);
  for (size_t i = 0; i < count; ++i) memset(space[i].iov_base, 'a' + static_cast<int>(i), space[i].iov_len);
  buffer.commit(Block::kBytes + 1);
  EXPECT_EQ(buffer.toString(), std::string(Block::kBytes, 'a') + "b");
}

TEST(BufferTest, OneEntryNamesAUsefulPieceOfSpace) {
  BlockPool pool;
  Buffer buffer(pool);
  buffer.append(std::string(Block::kBytes - 10, 'x'));
  std::array<iovec, 1> space;
  ASSERT_EQ(buffer.reserve(8192, space), 1u);
  EXPECT_EQ(space[0].iov_len, Block::kBytes);
  buffer.commit(0);
  ASSERT_EQ(buffer.reserve(8, space), 1u);
  EXPECT_EQ(space[0].iov_len, 10u);
  buffer.commit(0);
}

TEST(BufferTest, FindsBytesAcrossPieces) {
  BlockPool pool;
  Buffer buffer(pool);
  buffer.append(std::string(Block::kBytes, 'a'));
  buffer.append("bcb");
  EXPECT_EQ(buffer.find('b'), Block::kBytes);
  EXPECT_EQ(buffer.find('b', Block::kBytes + 1), Block::kBytes + 2);
  EXPECT_EQ(buffer.find('a', Block::kBytes), Buffer::npos);
  EXPECT_EQ(buffer.find('c', 1'000'000), Buffer::npos);
}

TEST(BufferTest, NamesAtMostAsManyPiecesAsAskedFor) {
  BlockPool pool;
  Buffer buffer(pool);
  buffer.append(std::string(3 * Block::kBytes, 'a'));
  std::array<iovec, 2> out;
  EXPECT_EQ(buffer.iovecs(out), 2u);
  EXPECT_EQ(out[0].iov_len, Block::kBytes);
}

TEST(BlockPoolTest, KeepsABoundedNumberOfIdleBlocks) {
  BlockPool pool(1);
  Block* const a = pool.take();
  Block* const b = pool.take();
  BlockPool::release(b);  // kept
  BlockPool::release(a);  // given back to the heap
  EXPECT_EQ(pool.inUse(), 0u);
  EXPECT_EQ(pool.take(), b);
  BlockPool::release(b);
}

TEST(BlockPoolDeathTest, MustOutliveItsBuffers) {
  EXPECT_DEATH(
      {
        BlockPool pool;
        pool.take();
      },
      "outlives all its buffers");
}

#ifdef WEIR_ADDRESS_SANITIZER
TEST(BufferDeathTest, TheSanitizerSeesReadsOfReleasedBytes) {
  BlockPool pool;
  Buffer buffer(pool);
  buffer.append("secret");
  const volatile char* const bytes = buffer.front().data();
  buffer.clear();
  EXPECT_DEATH(static_cast<void>(bytes[0]), "use-after-poison");
}
#endif

TEST(BufferDeathTest, CommittingMoreThanWasReservedIsABug) {
  BlockPool pool;
  Buffer buffer(pool);
  std::array<iovec, 1> space;
  buffer.reserve(1, space);
  EXPECT_DEATH(buffer.commit(Block::kBytes + 1), "no more is committed");
}

}  // namespace
}  // namespace weir::buffer
