#include "test/extensions/plugins/plugin_model.h"

#include <vector>

#include "gtest/gtest.h"
#include "source/base/random.h"

namespace weir::extensions::plugins {
namespace {

TEST(PluginModelTest, APluginMayDoAnythingAtAll) {
  for (uint64_t seed = 1; seed <= 1000; ++seed) {
    base::Random random(seed);
    std::vector<uint8_t> program(40 + random.below(300));
    for (uint8_t& byte : program) byte = static_cast<uint8_t>(random.next());
    SCOPED_TRACE(seed);
    runPluginProgram(program);
  }
}

}  // namespace
}  // namespace weir::extensions::plugins
