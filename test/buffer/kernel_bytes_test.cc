// Bytes that lie in the kernel: they move, are cut, drained and looked at like any others.

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <vector>

#include "source/buffer/buffer.h"

namespace weir::buffer {
namespace {

class KernelBytes : public testing::Test {
 protected:
  KernelBytes() {
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, in_), 0);
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, out_), 0);
  }
  ~KernelBytes() override {
    for (const int fd : {in_[0], in_[1], out_[0], out_[1]}) ::close(fd);
  }

  // Appends `bytes` to `buffer` as bytes in the kernel.
  void arrive(Buffer& buffer, std::string_view bytes) {
    ASSERT_EQ(::write(in_[0], bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    ASSERT_EQ(buffer.fillFromKernel(in_[1], bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  std::string received() {
    std::string all;
    std::array<char, 65536> piece;
    for (ssize_t got; (got = ::read(out_[1], piece.data(), piece.size())) > 0;) {
      all.append(piece.data(), static_cast<size_t>(got));
    }
    return all;
  }

  BlockPool pool_;
  int in_[2];
  int out_[2];
};

TEST_F(KernelBytes, GoThroughWithoutBeingRead) {
  Buffer from(pool_);
  arrive(from, "some bytes that nobody looks at");
  EXPECT_TRUE(from.startsInKernel());
  Buffer to(pool_);
  to.append(std::move(from));
  EXPECT_TRUE(to.startsInKernel());
  EXPECT_EQ(to.size(), 31u);
  EXPECT_EQ(to.drainIntoKernel(out_[0]), 31);
  EXPECT_TRUE(to.empty());
  EXPECT_EQ(received(), "some bytes that nobody looks at");
}

TEST_F(KernelBytes, AreReadByWhoeverLooks) {
  Buffer buffer(pool_);
  buffer.append("head ");
  arrive(buffer, "kernel");
  buffer.append(" tail");
  std::array<iovec, 4> pieces;
  EXPECT_EQ(buffer.iovecs(pieces), 1u);  // ends before what is in the kernel
  EXPECT_EQ(buffer.find('k'), 5u);
  EXPECT_EQ(buffer.toString(), "head kernel tail");
  EXPECT_FALSE(buffer.startsInKernel());
  EXPECT_EQ(buffer.iovecs(pieces), 3u);
  std::string all;
  buffer.forEachPiece([&](std::string_view piece) {
    all += piece;
    return true;
  });
  EXPECT_EQ(all, "head kernel tail");
}

TEST_F(KernelBytes, AreReadByFront) {
  Buffer buffer(pool_);
  arrive(buffer, "abc");
  EXPECT_EQ(buffer.front(), "abc");
}

TEST_F(KernelBytes, DrainedOnesAreThrownAway) {
  Buffer buffer(pool_);
  arrive(buffer, "0123456789");
  buffer.drain(4);
  EXPECT_EQ(buffer.drainIntoKernel(out_[0]), 6);
  EXPECT_EQ(received(), "456789");
  arrive(buffer, "0123456789");
  buffer.drain(7);
  EXPECT_EQ(buffer.toString(), "789");
}

// The front part is read at once: it may be wanted later than the rest, which a pipe cannot give.
TEST_F(KernelBytes, CutInTwo) {
  Buffer from(pool_);
  arrive(from, std::string(40000, 'a') + std::string(20000, 'b'));
  Buffer to(pool_);
  to.append("x");
  to.moveFrom(from, 40001);
  EXPECT_EQ(from.size(), 19999u);
  EXPECT_TRUE(from.startsInKernel());
  EXPECT_EQ(from.toString(), std::string(19999, 'b'));
  EXPECT_EQ(to.toString(), "x" + std::string(40000, 'a') + "b");
}

TEST_F(KernelBytes, NothingThereIsNoError) {
  Buffer buffer(pool_);
  EXPECT_EQ(buffer.fillFromKernel(in_[1], 100), -1);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_TRUE(buffer.empty());
  ::shutdown(in_[0], SHUT_WR);
  EXPECT_EQ(buffer.fillFromKernel(in_[1], 100), 0);
}

TEST_F(KernelBytes, PipesAreUsedAgainAndDropped) {
  for (int i = 0; i < 300; ++i) {
    Buffer buffer(pool_);
    arrive(buffer, "bytes");
    if (i % 3 == 0) continue;  // dropped with its bytes
    EXPECT_EQ(buffer.drainIntoKernel(out_[0]), 5);
  }
  EXPECT_EQ(pool_.inUse(), 0u);
}

TEST_F(KernelBytes, PipesHaveALimit) {
  std::vector<Buffer> held;
  ssize_t moved = 1;
  while (moved > 0 && held.size() < 1000) {
    ASSERT_EQ(::write(in_[0], "x", 1), 1);
    held.emplace_back(pool_);
    moved = held.back().fillFromKernel(in_[1], 1);
  }
  EXPECT_EQ(moved, -1);
  EXPECT_EQ(errno, EMFILE);
  held.clear();
  Buffer buffer(pool_);
  EXPECT_EQ(buffer.fillFromKernel(in_[1], 1), 1);
}

TEST_F(KernelBytes, PrependAndAppendAround) {
  Buffer buffer(pool_);
  arrive(buffer, "kernel");
  buffer.prepend("before ");
  buffer.append(" after");
  EXPECT_EQ(buffer.toString(), "before kernel after");
}

}  // namespace
}  // namespace weir::buffer
