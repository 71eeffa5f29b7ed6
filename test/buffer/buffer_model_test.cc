#include "test/buffer/buffer_model.h"

#include <vector>

#include "gtest/gtest.h"
#include "source/base/random.h"

namespace weir::buffer {
namespace {

// The model aborts with the broken promise when a buffer and its string differ.
TEST(BufferModelTest, AgreesWithStringsOnRandomPrograms) {
  size_t steps = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    base::Random random(seed);
    std::vector<uint8_t> program(2000);
    for (uint8_t& byte : program) byte = static_cast<uint8_t>(random.next() >> 56);
    runBufferModel(program);
    steps += program.size() / 4;
  }
  EXPECT_EQ(steps, 20'000u);
}

}  // namespace
}  // namespace weir::buffer
