#include "source/base/metadata.h"

#include <string>

#include "gtest/gtest.h"

namespace weir::base {
namespace {

TEST(MetadataTest, FieldsStandInTheOrderOfTheirNames) {
  Metadata whole = Metadata::structure();
  whole.field("b") = Metadata("two");
  whole.field("a") = Metadata::number(1);
  whole.field("c");
  std::string names;
  for (const auto& field : whole.fields()) names += field.first;
  EXPECT_EQ(names, "abc");
  EXPECT_EQ(whole.find("a")->number(), 1);
  EXPECT_EQ(whole.find("b")->text(), "two");
  EXPECT_EQ(whole.find("c")->kind(), Metadata::Kind::kNull);
  EXPECT_EQ(whole.find("d"), nullptr);
  EXPECT_EQ(whole.find("b")->find("x"), nullptr);
}

TEST(MetadataTest, APathLeadsThroughStructs) {
  Metadata whole = Metadata::structure();
  whole.field("space").field("key").field("inner") = Metadata::boolean(true);
  ASSERT_NE(whole.findPath("space:key:inner"), nullptr);
  EXPECT_TRUE(whole.findPath("space:key:inner")->boolean());
  EXPECT_TRUE(whole.findPath("space")->isStruct());
  for (const char* path : {"", "space:", "space:other", "space:key:inner:deeper", ":space"}) {
    EXPECT_EQ(whole.findPath(path), nullptr) << path;
  }
}

TEST(MetadataTest, MergingAddsToStructsAndListsAndReplacesTheRest) {
  Metadata whole = Metadata::structure();
  whole.field("kept") = Metadata("k");
  whole.field("replaced") = Metadata("old");
  whole.field("list") = Metadata::list({Metadata::number(1)});
  whole.field("deep").field("kept") = Metadata("k");
  whole.field("was_struct").field("x") = Metadata("x");
  Metadata more = Metadata::structure();
  more.field("replaced") = Metadata::number(2);
  more.field("list") = Metadata::list({Metadata::number(2), Metadata()});
  more.field("deep").field("new") = Metadata("n");
  more.field("was_struct") = Metadata("text");
  whole.merge(more);
  Metadata expected = Metadata::structure();
  expected.field("kept") = Metadata("k");
  expected.field("replaced") = Metadata::number(2);
  expected.field("list") = Metadata::list({Metadata::number(1), Metadata::number(2), Metadata()});
  expected.field("deep").field("kept") = Metadata("k");
  expected.field("deep").field("new") = Metadata("n");
  expected.field("was_struct") = Metadata("text");
  EXPECT_EQ(whole, expected);
}

}  // namespace
}  // namespace weir::base
