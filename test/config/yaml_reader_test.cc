#include "source/config/yaml_reader.h"

#include <gtest/gtest.h>

#include "source/config/render.h"

namespace weir::config {
namespace {

struct Read {
  std::optional<Value> value;
  std::string report;
};

Read read(std::string_view text, Syntax syntax = Syntax::kYaml) {
  SourceMap sources;
  base::Diagnostics diagnostics;
  const SourceMap::Node file = sources.addFile("f");
  Read out;
  out.value = readYaml(text, syntax, file, sources, diagnostics);
  out.report = render(diagnostics, sources);
  return out;
}

struct Scalar {
  const char* text;
  Value::Kind kind;
  int64_t number = 0;
};

class Scalars : public testing::TestWithParam<Scalar> {};

TEST_P(Scalars, HaveTheKindOfTheTable) {
  const Read got = read("a: " + std::string(GetParam().text));
  ASSERT_TRUE(got.value) << got.report;
  const Value& value = got.value->find("a")->value;
  EXPECT_EQ(static_cast<int>(value.kind), static_cast<int>(GetParam().kind));
  if (value.kind == Value::Kind::kInteger) {
    EXPECT_EQ(value.integer, GetParam().number);
  }
  if (value.kind == Value::Kind::kBool) {
    EXPECT_EQ(value.boolean, GetParam().number != 0);
  }
}

using K = Value::Kind;
INSTANTIATE_TEST_SUITE_P(
    Table, Scalars,
    testing::Values(Scalar{"yes", K::kBool, 1}, Scalar{"Off", K::kBool, 0}, Scalar{"TRUE", K::kBool, 1},
                    Scalar{"n", K::kBool, 0}, Scalar{"tRUE", K::kString}, Scalar{"12", K::kInteger, 12},
                    Scalar{"-12", K::kInteger, -12}, Scalar{"+12", K::kInteger, 12}, Scalar{"0x1f", K::kInteger, 31},
                    Scalar{"017", K::kInteger, 15}, Scalar{"08", K::kString}, Scalar{"0", K::kInteger, 0},
                    Scalar{"9223372036854775807", K::kInteger, INT64_MAX}, Scalar{"9223372036854775808", K::kString},
                    Scalar{"-9223372036854775808", K::kInteger, INT64_MIN}, Scalar{"1.5", K::kString},
                    Scalar{"1_000", K::kString}, Scalar{"0x", K::kString}, Scalar{"'12'", K::kString},
                    Scalar{"\"yes\"", K::kString}, Scalar{"|\n  12\n", K::kString}, Scalar{"!!str 12", K::kString},
                    Scalar{"!!float 1.5", K::kFloat}, Scalar{"~", K::kNull}, Scalar{"null", K::kNull},
                    Scalar{"", K::kNull}, Scalar{"'~'", K::kString}));

TEST(YamlReader, KeepsOrderAndPlaces) {
  const Read got = read("b: x\na:\n  - 1\n  - {c: 2}\n");
  ASSERT_TRUE(got.value);
  ASSERT_EQ(got.value->entries.size(), 2u);
  EXPECT_EQ(got.value->entries[0].key, "b");
  EXPECT_EQ(got.value->entries[0].value.place.column, 4u);
  const Entry& list = got.value->entries[1];
  EXPECT_EQ(list.place.line, 2u);
  EXPECT_EQ(list.value.items[1].place.line, 4u);
  EXPECT_EQ(list.value.items[1].entries[0].place.column, 6u);
}

TEST(YamlReader, AliasesAreCopiesAndIgnoredKeysAreGone) {
  const Read got = read("!ignore x: &x {k: 1}\na: *x\nb: [*x, *x]\nc: &s key\n*s : 1\n");
  ASSERT_TRUE(got.value) << got.report;
  EXPECT_EQ(got.value->find("x"), nullptr);
  EXPECT_EQ(got.value->find("a")->value.find("k")->value.integer, 1);
  EXPECT_EQ(got.value->find("b")->value.items.size(), 2u);
  EXPECT_NE(got.value->find("key"), nullptr);
}

TEST(YamlReader, ReportsEveryDuplicateWithBothLines) {
  std::string many;
  for (int i = 0; i < 40; ++i) many += "k" + std::to_string(i) + ": 1\n";
  const Read got = read("a: {b: 1,\n b: 2}\na: 3\n" + many + "k7: 2\n");
  EXPECT_TRUE(got.value);
  EXPECT_EQ(got.report,
            "f:2:2: a.b: duplicate key 'b' on line 2; it is already given on line 1\n"
            "f:3:1: a: duplicate key 'a' on line 3; it is already given on line 1\n"
            "f:44:1: k7: duplicate key 'k7' on line 44; it is already given on line 11\n");
}

TEST(YamlReader, RefusesWhatHasNoEnd) {
  EXPECT_EQ(read("a: &x [*x]").report, "f:1:8: a[0]: an alias inside the value that it names; it has no end\n");
  EXPECT_EQ(read("a: *x").report,
            "f:1:4: a: broken YAML: no '&' before this place defines that name; a text needs quotes (the referenced "
            "anchor is not defined)\n");
  EXPECT_EQ(read("a: {\n").report,
            "f:2:1: a: broken YAML: a '{' is not closed; a comma or a '}' is missing before this place (end of map "
            "flow not found)\n");
  std::string bomb = "a0: &a0 [1,2,3,4,5,6,7,8,9,0]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string n = std::to_string(i), m = "*a" + std::to_string(i - 1);
    bomb += "a" + n + ": &a" + n + " [" + m;
    for (int j = 0; j < 9; ++j) bomb += "," + m;
    bomb += "]\n";
  }
  EXPECT_NE(read(bomb).report.find("aliases stand for more than 1000000 values"), std::string::npos);
}

TEST(YamlReader, NestsToOneHundredLevels) {
  const auto nested = [](size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); };
  EXPECT_TRUE(read(nested(100)).value);
  EXPECT_EQ(read(nested(101)).report, "f:1:101: nested more than 100 levels deep, which is the limit\n");
}

TEST(YamlReader, WarnsOfASecondDocument) {
  const Read got = read("---\na: 1\n---\nb: 2\n");
  ASSERT_TRUE(got.value);
  EXPECT_EQ(got.value->find("b"), nullptr);
  EXPECT_EQ(got.report, "f:4:1: warning: a second YAML document begins here; only the first one is read\n");
  EXPECT_EQ(read("---\na: 1\n...\n").report, "");
}

TEST(YamlReader, EmptyIsNull) {
  EXPECT_TRUE(read("").value->isNull());
  EXPECT_TRUE(read("# nothing\n").value->isNull());
}

TEST(JsonReader, ReadsJson) {
  const Read got =
      read("{\n\t\"a\": [1, -2.5, true, null, \"x\\/\\u00e9\\ud83d\\ude00\\\\ud83d\"],\"b\":\"yes\"}", Syntax::kJson);
  ASSERT_TRUE(got.value) << got.report;
  const std::vector<Value>& items = got.value->find("a")->value.items;
  ASSERT_EQ(items.size(), 5u);
  EXPECT_EQ(items[0].integer, 1);
  EXPECT_EQ(static_cast<int>(items[1].kind), static_cast<int>(Value::Kind::kFloat));
  EXPECT_TRUE(items[2].boolean);
  EXPECT_TRUE(items[3].isNull());
  EXPECT_EQ(items[4].text, "x/\xC3\xA9\xF0\x9F\x98\x80\\ud83d");
  EXPECT_EQ(got.value->find("b")->value.text, "yes");
}

TEST(JsonReader, RefusesOtherYaml) {
  const auto report = [](std::string_view text) { return read(text, Syntax::kJson).report; };
  EXPECT_EQ(report("{\"a\": yes}"),
            "f:1:7: a: not JSON: found yes without quotes; files that do not end in .yaml, .yml, .pb_text or .pb are "
            "read as JSON\n");
  EXPECT_EQ(report("a: 1"),
            "f:1:1: not JSON: expected '{'; files that do not end in .yaml, .yml, .pb_text or .pb are read as JSON\n");
  EXPECT_EQ(report("- 1"), "f:1:1: not JSON: expected '[' before the first item of a list\n");
  EXPECT_EQ(report("{\"a\": [1, 2"), "f:1:1: broken JSON: what '{' or '[' opens here does not end\n");
  EXPECT_EQ(report("{\"a\": nan}").substr(0, 26), "f:1:7: a: not JSON: found ");
}

}  // namespace
}  // namespace weir::config
