#include "source/base/strings.h"

#include "gtest/gtest.h"

namespace weir::base {
namespace {

TEST(StringsTest, ConvertsBothWaysWithoutCopying) {
  const std::string_view text("a\0b", 3);
  const absl::string_view there = av(text);
  EXPECT_EQ(there.data(), text.data());
  EXPECT_EQ(there.size(), 3u);
  const std::string_view back = sv(there);
  EXPECT_EQ(back.data(), text.data());
  EXPECT_EQ(back, text);
}

}  // namespace
}  // namespace weir::base
