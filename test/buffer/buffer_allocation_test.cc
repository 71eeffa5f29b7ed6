// Counts calls of the global operator new: a steady load on buffers must make none.
#include <array>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "source/buffer/buffer.h"
#include "test/harness/allocations/allocations.h"

namespace weir::buffer {
namespace {

void relay(BlockPool& pool, const std::string& body) {
  Buffer in(pool);
  Buffer out(pool);
  std::array<iovec, 4> space;
  in.reserve(16 * 1024, space);
  in.commit(8000);
  in.append(body);
  out.append("head");
  out.moveFrom(in, 3000);
  in.prepend("x");
  out.append(std::move(in));
  out.drain(100);
}

TEST(BufferAllocationTest, ASteadyLoadAllocatesNothing) {
  BlockPool pool;
  const std::string body(50'000, 'b');
  relay(pool, body);
  const size_t warm = harness::allocations();
  EXPECT_GT(warm, 0u);
  for (int i = 0; i < 100; ++i) relay(pool, body);
  EXPECT_EQ(harness::allocations(), warm);
}

}  // namespace
}  // namespace weir::buffer
