#include "test/filter/chain_model.h"

#include <vector>

#include "gtest/gtest.h"
#include "source/base/random.h"

namespace weir::filter {
namespace {

TEST(ChainModelTest, RandomProgramsKeepEveryPromise) {
  for (uint64_t seed = 1; seed <= 1500; ++seed) {
    base::Random random(seed);
    std::vector<uint8_t> program(20 + random.below(200));
    for (uint8_t& byte : program) byte = static_cast<uint8_t>(random.next());
    SCOPED_TRACE(seed);
    runChainProgram(program);
  }
}

}  // namespace
}  // namespace weir::filter
