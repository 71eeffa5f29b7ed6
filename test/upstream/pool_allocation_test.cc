// Requests over a pooled connection take nothing from the heap.
#include "gtest/gtest.h"
#include "test/harness/allocations/allocations.h"
#include "test/upstream/line_world.h"

namespace weir::upstream {
namespace {

TEST(PoolAllocationTest, APooledRequestAllocatesNothing) {
  bool answered = false;  // a request may be written in several pieces
  LineWorld w([&answered](Line& line, std::string_view) {
    if (!std::exchange(answered, true)) line.answer(kOk);
  });
  WorkerCluster cluster(w.world.makeCluster({*net::Address::parse("10.0.0.1:80")}), w.context, w.world.memory);
  Asker asker(w.context);
  const auto round = [&](int number) {
    answered = false;
    asker.ask(cluster);
    for (int turns = 0; turns < 20 && asker.answers < number; ++turns) w.dispatcher.turn(false);
  };
  int number = 0;
  while (number < 10) round(++number);
  ASSERT_EQ(asker.answers, 10);
  const size_t warm = harness::allocations();
  EXPECT_GT(warm, 0u);
  while (number < 1010) round(++number);
  EXPECT_EQ(harness::allocations(), warm);
  EXPECT_EQ(asker.answers, 1010);
  EXPECT_EQ(w.line.connects, 1);
}

}  // namespace
}  // namespace weir::upstream
