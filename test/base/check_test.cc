#include "source/base/check.h"

#include "gtest/gtest.h"

namespace weir::base {
namespace {

TEST(CheckTest, EvaluatesTheConditionOnce) {
  int calls = 0;
  CHECK(++calls == 1, "counted");
  EXPECT_EQ(calls, 1);
}

TEST(CheckDeathTest, SaysWhereWhatAndWhy) {
  EXPECT_DEATH(CHECK(1 == 2, "one is not two"), "check_test.cc:[0-9]+: CHECK\\(1 == 2\\) failed: one is not two");
}

}  // namespace
}  // namespace weir::base
