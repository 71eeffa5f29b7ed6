#include "source/config/known/known_xds.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"

namespace weir::config {
namespace {

std::vector<std::string> lines() {
  std::ifstream file("source/config/known/known_xds.tsv");
  std::vector<std::string> result;
  for (std::string line; std::getline(file, line);) result.push_back(line);
  return result;
}

TEST(KnownXdsTest, FindsEveryLineOfItsTableWithEveryField) {
  const KnownXds known;
  const std::vector<std::string> all = lines();
  ASSERT_GT(all.size(), 900u);
  for (const std::string& line : all) {
    std::istringstream parts(line);
    std::string message, mark, fields, field;
    std::getline(parts, message, '\t');
    std::getline(parts, mark, '\t');
    std::getline(parts, fields);
    EXPECT_TRUE(known.message(message)) << message;
    EXPECT_EQ(known.extension(message), mark == "*") << message;
    std::istringstream names(fields);
    size_t count = 0;
    for (; std::getline(names, field, ','); ++count)
      EXPECT_TRUE(known.field(message, field)) << message << '.' << field;
    EXPECT_EQ(known.fieldsOf(message).size(), count) << message;
  }
}

TEST(KnownXdsTest, TableIsSortedWithoutRepeatsAndHoldsNothingThatNeedsQuoting) {
  const std::vector<std::string> all = lines();
  std::string last;
  for (const std::string& line : all) {
    const std::string name = line.substr(0, line.find('\t'));
    EXPECT_LT(last, name);
    EXPECT_EQ(line.find_first_of("\"\\"), std::string::npos) << line;
    EXPECT_EQ(std::count(line.begin(), line.end(), '\t'), 2) << line;
    last = name;
  }
}

TEST(KnownXdsTest, KnowsFieldsThatWeirLacks) {
  const KnownXds known;
  EXPECT_TRUE(known.field("envoy.config.cluster.v3.Cluster", "lrs_server"));
  EXPECT_TRUE(known.field("envoy.config.cluster.v3.Cluster", "dns_lookup_family"));
  EXPECT_TRUE(known.field("envoy.config.listener.v3.FilterChain", "transport_socket"));
  EXPECT_TRUE(known.extension("envoy.extensions.filters.http.lua.v3.Lua"));
}

TEST(KnownXdsTest, TakesTheJsonNameOfAField) {
  const KnownXds known;
  EXPECT_TRUE(known.field("envoy.config.cluster.v3.Cluster", "healthChecks"));
  EXPECT_TRUE(known.field("envoy.config.core.v3.Http1ProtocolOptions", "acceptHttp10"));
  EXPECT_FALSE(known.field("envoy.config.cluster.v3.Cluster", "healthchecks"));
  EXPECT_FALSE(known.field("envoy.config.cluster.v3.Cluster", "HealthChecks"));
  EXPECT_FALSE(known.field("envoy.config.cluster.v3.Cluster", "healthCheck"));
  EXPECT_FALSE(known.field("envoy.config.cluster.v3.Cluster", "healthChecksX"));
}

TEST(KnownXdsTest, DoesNotKnowWhatTheApiLacks) {
  const KnownXds known;
  for (std::string_view name : {"", "a", "zzz", "envoy.config.cluster.v3.Clusters", "envoy.config.cluster.v3.Cluste",
                                "\t", "\n", "envoy.config.cluster.v3.Cluster\t"}) {
    EXPECT_FALSE(known.message(name)) << name;
    EXPECT_FALSE(known.extension(name)) << name;
    EXPECT_FALSE(known.field(name, "name")) << name;
    EXPECT_TRUE(known.fieldsOf(name).empty()) << name;
  }
  EXPECT_FALSE(known.field("envoy.config.cluster.v3.Cluster", "helth_checks"));
  EXPECT_FALSE(known.field("envoy.config.cluster.v3.Cluster", ""));
  EXPECT_FALSE(known.field("envoy.config.cluster.v3.Cluster", "name,type"));
  EXPECT_FALSE(known.extension("envoy.config.cluster.v3.Cluster.CommonLbConfig"));
}

TEST(KnownXdsTest, ListsFieldsInOrderOfTheirNumbers) {
  const std::vector<std::string_view> expected = {"address_prefix", "prefix_len"};
  EXPECT_EQ(KnownXds().fieldsOf("envoy.config.core.v3.CidrRange"), expected);
}

TEST(KnownXdsTest, ListsExtensionsSortedAndNothingElse) {
  const KnownXds known;
  const std::vector<std::string_view> all = known.extensions();
  ASSERT_GT(all.size(), 200u);
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
  for (std::string_view name : all) EXPECT_TRUE(known.extension(name)) << name;
}

TEST(KnownXdsTest, SearchesTablesOfEverySize) {
  const std::vector<std::string> names = {"a", "ab", "abc.D", "b", "bb.c", "c", "d.long.name.Of.Message", "e"};
  std::string table;
  for (size_t count = 0; count < names.size(); ++count) {
    const KnownXds known(table);
    for (size_t i = 0; i < names.size(); ++i) {
      EXPECT_EQ(known.message(names[i]), i < count) << names[i] << " of " << count;
      EXPECT_EQ(known.field(names[i], "x_y"), i < count);
      EXPECT_FALSE(known.message(names[i] + "_"));
    }
    table += names[count] + "\t\tw,x_y\n";
  }
}

TEST(KnownXdsTest, NeedsNoNewlineAtTheEndOfTheTable) {
  const KnownXds known("a\t\tx\nb\t*\ty");
  EXPECT_TRUE(known.field("a", "x"));
  EXPECT_TRUE(known.field("b", "y"));
  EXPECT_TRUE(known.extension("b"));
  EXPECT_FALSE(known.message("c"));
}

}  // namespace
}  // namespace weir::config
