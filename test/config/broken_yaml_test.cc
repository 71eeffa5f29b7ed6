#include "source/config/broken_yaml.h"

#include <gtest/gtest.h>

#include "test/config/loading.h"

namespace weir::config {
namespace {

TEST(BrokenYaml, SaysWhatIsMeantAndWhere) {
  const struct {
    std::string_view text;
    std::string_view place;
    std::string_view meaning;
  } cases[] = {
      {"node:\n  id: x\n cluster: y\n", "3:2", "does not begin in the column"},
      {"node:\n  id: x\n\tcluster: y\n", "3:1", "indented by a tab"},
      {"admin: {address: {pipe: {path: a}}\nnode: {}\n", "2:1", "a '{' is not closed"},
      {"node: {id: a: b}\n", "1:13", "a '{' is not closed"},
      {"node\n  id: x\n", "2:5", "a ':' that is one too many"},
      {"node: {id: *}\n", "1:13", "needs quotes: '*'"},
      {"node: {id: *x}\n", "1:12", "no '&' before this place"},
      {"@type: x\n", "1:1", "what begins with '@' needs quotes"},
      {"node:\n  id: \"x\n  \"@type\": y\n", "3:4", "is a quote missing before it?"},
  };
  for (const auto& test : cases) {
    const Loaded loaded = load(test.text);
    EXPECT_EQ(loaded.report.substr(0, 7 + test.place.size()), "t.yaml:" + std::string(test.place)) << loaded.report;
    EXPECT_NE(loaded.report.find("broken YAML: "), std::string::npos) << loaded.report;
    EXPECT_NE(loaded.report.find(test.meaning), std::string::npos) << loaded.report;
  }
}

TEST(BrokenYaml, AQuoteThatDoesNotEndIsNoText) {
  for (const std::string_view text :
       {"node:\n  id: \"x\n  cluster: y\n", "node:\n  id: 'x''\n", "node:\n  id: \"x\\\"\n", "node:\n  id: \""}) {
    EXPECT_EQ(load(text).report, "t.yaml:2:7: a quote opens here and does not end\n") << text;
  }
  EXPECT_EQ(load("\"\u00e4\": 'x\n").report, "t.yaml:1:7: a quote opens here and does not end\n");
  EXPECT_EQ(load("node:\n  id: &a !!str 'x\n").report, "t.yaml:2:7: a quote opens here and does not end\n");
  for (const std::string_view text : {"node:\n  id: \"x\\\"", "node:\n  id: 'x"}) {
    EXPECT_NE(load(text).report.find("is not closed"), std::string::npos) << text;
  }
  for (const std::string_view text :
       {"node:\n  id: \"x\n    cluster: y\"", "node:\n  id: 'x'''", "node:\n  id: x'\n", "node:\n  id: \"x\\\"\"",
        "node:\n  id: \"\"", "node:\n  id: &a 'x'\n  cluster: *a\n", "node:\n  id: |\n    \"x\n"}) {
    EXPECT_EQ(load(text).report, "") << text;
  }
}

TEST(BrokenYaml, AnotherWordStandsForItself) {
  EXPECT_EQ(brokenYaml("bad YAML version: 9", "x", {1, 1}), "broken YAML: bad YAML version: 9");
  EXPECT_EQ(brokenYaml("bad YAML version: 9", "", {}), "broken YAML: bad YAML version: 9");
}

}  // namespace
}  // namespace weir::config
