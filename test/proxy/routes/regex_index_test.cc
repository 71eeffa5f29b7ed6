#include "source/proxy/routes/regex_index.h"

#include <re2/re2.h>

#include <algorithm>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "source/base/random.h"

namespace weir::proxy {
namespace {

std::vector<uint32_t> candidates(const RegexIndex& index, std::string_view path) {
  PathCandidates met;
  std::vector<std::vector<uint32_t>> storage;
  index.collect(path, met, storage);
  std::vector<uint32_t> out;
  uint32_t entry;
  while (met.next(entry)) out.push_back(entry);
  return out;
}

TEST(RegexIndexTest, KnowsWhatMatchesBeginWith) {
  EXPECT_EQ(requiredPrefix("/users/[0-9]+"), "/users/");
  EXPECT_EQ(requiredPrefix(".*"), "");
  EXPECT_EQ(requiredPrefix("/a|/b"), "/");
  EXPECT_EQ(requiredPrefix("(?i)/abc"), "/");
  EXPECT_EQ(requiredPrefix("/a?"), "/");
  EXPECT_EQ(requiredPrefix("a?/"), "");
  EXPECT_EQ(requiredPrefix("/exact"), "/exact");
}

TEST(RegexIndexTest, GivesFewCandidatesOfMany) {
  RegexIndex::Builder builder;
  for (uint32_t i = 0; i < 1000; ++i) builder.add("/service-" + std::to_string(i) + "/[a-z]+", i);
  for (uint32_t i = 1000; i < 2000; ++i) builder.add("/[a-z]+/item-" + std::to_string(i), i);
  const RegexIndex index = std::move(builder).build();
  EXPECT_EQ(candidates(index, "/service-7/x"), std::vector<uint32_t>{7});
  EXPECT_EQ(candidates(index, "/abc/item-1500"), std::vector<uint32_t>{1500});
  EXPECT_TRUE(candidates(index, "/abc/item-1").empty());
}

TEST(RegexIndexTest, NeverLeavesOutOneThatMatches) {
  base::Random random(11);
  const char* const pieces[] = {"a", "b", "/", "a*", "[ab]", "(a|/b)", ".", ".*", "b?", "(?i:A)", "^", "$", "\\Qa.\\E"};
  const auto path = [&random] {
    std::string text = "/";
    for (uint64_t i = random.below(6); i > 0; --i) text += "ab/.A"[random.below(5)];
    return text;
  };
  for (int round = 0; round < 100; ++round) {
    std::vector<std::string> expressions;
    RegexIndex::Builder builder;
    const uint64_t count = 1 + random.below(40);
    while (expressions.size() < count) {
      std::string expression = random.below(4) == 0 ? "" : "/";
      for (uint64_t i = random.below(5); i > 0; --i) expression += pieces[random.below(std::size(pieces))];
      builder.add(expression, static_cast<uint32_t>(expressions.size()));
      expressions.push_back(std::move(expression));
    }
    const RegexIndex index = std::move(builder).build();
    for (int lookup = 0; lookup < 50; ++lookup) {
      const std::string text = path();
      const std::vector<uint32_t> seen = candidates(index, text);
      EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
      for (uint32_t i = 0; i < expressions.size(); ++i) {
        if (!RE2::FullMatch(text, expressions[i])) continue;
        EXPECT_TRUE(std::binary_search(seen.begin(), seen.end(), i)) << expressions[i] << " on " << text;
      }
    }
  }
}

}  // namespace
}  // namespace weir::proxy
