#include "source/config/nearest.h"

#include <gtest/gtest.h>

namespace weir::config {
namespace {

TEST(EditDistance, CountsEachKindOfSlipOnce) {
  EXPECT_EQ(editDistance("name", "name"), 0u);
  EXPECT_EQ(editDistance("name", "NAME"), 0u);
  EXPECT_EQ(editDistance("nam", "name"), 1u);
  EXPECT_EQ(editDistance("names", "name"), 1u);
  EXPECT_EQ(editDistance("nane", "name"), 1u);
  EXPECT_EQ(editDistance("anme", "name"), 1u);
  EXPECT_EQ(editDistance("", "name"), 4u);
}

TEST(Nearest, TakesTheFirstOfTheClosestWithinAThird) {
  EXPECT_EQ(nearest("prot_value", {"address", "port_value", "named_port"}), "port_value");
  EXPECT_EQ(nearest("hedgehog", {"address", "port_value"}), "");
  EXPECT_EQ(nearest("idx", {"id", "idy"}), "id");
  EXPECT_EQ(nearest("abcdef", {"abcdxy"}), "abcdxy");
  EXPECT_EQ(nearest("abcdef", {"abcxyz"}), "");
  EXPECT_EQ(nearest("abcdefghi", {"abcdefxyz"}, 2), "");
  EXPECT_EQ(nearest("", {"a"}), "");
  EXPECT_EQ(nearest(std::string(1000, 'a'), {"a"}), "");
}

}  // namespace
}  // namespace weir::config
