#include "source/upstream/lb/subset_index.h"

#include <vector>

#include "gtest/gtest.h"

namespace weir::upstream::lb {
namespace {

using Fallback = SubsetIndex::Fallback;
using Hosts = std::vector<uint32_t>;

// The hosts and the configuration of the example in Envoy's documentation, "Load Balancer Subsets"; host1 is 0.
const std::vector<Metadata>& exampleHosts() {
  static const auto* const hosts = new std::vector<Metadata>{{{"v", "1.0"}, {"stage", "prod"}},
                                                             {{"v", "1.0"}, {"stage", "prod"}},
                                                             {{"v", "1.1"}, {"stage", "canary"}},
                                                             {{"v", "1.2-pre"}, {"stage", "dev"}}};
  return *hosts;
}

SubsetIndex::Wish wish(Metadata wanted) { return SubsetIndex::Wish(std::move(wanted)); }

SubsetIndex::Options exampleOptions() {
  return {.selectors = {{.keys = {"v", "stage"}}, {.keys = {"stage"}, .fallback = Fallback::kNone}},
          .fallback = Fallback::kDefaultSubset,
          .default_subset = {{"stage", "prod"}}};
}

TEST(SubsetIndexTest, MatchesThePublishedExample) {
  const SubsetIndex index(exampleHosts(), exampleOptions());
  const std::vector<std::pair<Metadata, Hosts>> rows = {
      {{{"stage", "canary"}}, {2}},
      {{{"v", "1.2-pre"}, {"stage", "dev"}}, {3}},
      {{{"stage", "dev"}, {"v", "1.2-pre"}}, {3}},
      {{{"v", "1.0"}}, {0, 1}},
      {{{"other", "x"}}, {0, 1}},
      {{}, {0, 1}},
      {{{"stage", "test"}}, {}},
      {{{"v", "1.0"}, {"stage", "prod"}}, {0, 1}},
      {{{"v", "1.0"}, {"stage", "dev"}}, {0, 1}},  // no such subset: the default one
  };
  for (const auto& [wanted, hosts] : rows) {
    EXPECT_EQ(index.find(wish(wanted)), hosts) << testing::PrintToString(wanted);
  }
  EXPECT_EQ(index.fallback(), (Hosts{0, 1}));
  EXPECT_EQ(index.subsets(), 6u);
}

TEST(SubsetIndexTest, FallsBackToNothingOrAnyHost) {
  SubsetIndex::Options options = exampleOptions();
  options.fallback = Fallback::kNone;
  EXPECT_EQ(SubsetIndex(exampleHosts(), options).find(wish({{"x", "y"}})), Hosts{});
  options.fallback = Fallback::kAnyHost;
  EXPECT_EQ(SubsetIndex(exampleHosts(), options).find(wish({{"x", "y"}})), (Hosts{0, 1, 2, 3}));
}

TEST(SubsetIndexTest, AWishMayFallBackToFewerOfItsKeys) {
  SubsetIndex::Options options = exampleOptions();
  options.selectors[0].fallback = Fallback::kFewerKeys;
  options.selectors[0].fallback_keys = {"stage"};
  const SubsetIndex index(exampleHosts(), options);
  EXPECT_EQ(index.find(wish({{"v", "9"}, {"stage", "canary"}})), Hosts{2});
  EXPECT_EQ(index.find(wish({{"v", "9"}, {"stage", "nowhere"}})), Hosts{});
  options.selectors[0].fallback_keys = {"stage", "v"};  // not fewer: it would never end
  EXPECT_EQ(SubsetIndex(exampleHosts(), options).find(wish({{"v", "9"}, {"stage", "canary"}})), Hosts{});
}

TEST(SubsetIndexTest, AHostWithoutOneOfTheKeysIsInNoSubset) {
  const SubsetIndex index({{{"a", "1"}}, {{"a", "1"}, {"b", "2"}}, {}},
                          {.selectors = {{.keys = {"b", "a"}}, {.keys = {"a"}}}});
  EXPECT_EQ(index.find(wish({{"a", "1"}, {"b", "2"}})), Hosts{1});
  EXPECT_EQ(index.find(wish({{"a", "1"}})), (Hosts{0, 1}));
}

TEST(SubsetIndexTest, AHostWithSeveralValuesOfAKeyIsInASubsetForEach) {
  const SubsetIndex index({{{"v", "1"}, {"v", "2"}, {"v", "2"}}, {{"v", "2"}}}, {.selectors = {{.keys = {"v"}}}});
  EXPECT_EQ(index.find(wish({{"v", "1"}})), Hosts{0});
  EXPECT_EQ(index.find(wish({{"v", "2"}})), (Hosts{0, 1}));
}

TEST(SubsetIndexTest, ASubsetOfASingleHostIsItsFirst) {
  const SubsetIndex index({{{"id", "x"}}, {{"id", "x"}}, {{"id", "y"}}},
                          {.selectors = {{.keys = {"id"}, .single_host = true}}});
  EXPECT_EQ(index.find(wish({{"id", "x"}})), Hosts{0});
  EXPECT_EQ(index.find(wish({{"id", "y"}})), Hosts{2});
}

TEST(SubsetIndexTest, ValuesThatLookAlikeWhenJoinedAreDifferent) {
  const SubsetIndex index({{{"a", "x1:y"}, {"b", ""}}, {{"a", "x"}, {"b", "1:y"}}},
                          {.selectors = {{.keys = {"a", "b"}}}});
  EXPECT_EQ(index.find(wish({{"a", "x1:y"}, {"b", ""}})), Hosts{0});
  EXPECT_EQ(index.find(wish({{"a", "x"}, {"b", "1:y"}})), Hosts{1});
}

}  // namespace
}  // namespace weir::upstream::lb
