#include "source/extensions/matchers/compile_matchers.h"

#include <string>

#include "envoy/config/route/v3/route.pb.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace weir::extensions {
namespace {

struct Case {
  const char* matcher;
  const char* header;  // value of "x-a"; null: not there
  bool expected;
};

TEST(CompileMatchersTest, EveryFormOfHeaderMatcher) {
  const Case cases[] = {
      {"", "v", true},
      {"", nullptr, false},
      {"invert_match: true", nullptr, true},
      {"invert_match: true", "v", false},
      {"present_match: false", nullptr, true},
      {"present_match: false", "v", false},
      {"present_match: true treat_missing_header_as_empty: true", nullptr, true},
      {"exact_match: 'v'", "v", true},
      {"exact_match: 'v'", "V", false},
      {"exact_match: ''", "anything", true},
      {"exact_match: 'v' invert_match: true", "w", true},
      {"exact_match: 'v' invert_match: true", nullptr, false},
      {"exact_match: 'v' invert_match: true treat_missing_header_as_empty: true", nullptr, true},
      {"prefix_match: 'ab'", "abc", true},
      {"prefix_match: 'ab'", "a", false},
      {"suffix_match: 'bc'", "abc", true},
      {"suffix_match: 'bc'", "abd", false},
      {"contains_match: 'b'", "abc", true},
      {"contains_match: 'x'", "abc", false},
      {"safe_regex_match { regex: 'a+' }", "aaa", true},
      {"safe_regex_match { regex: 'a+' }", "aaab", false},
      {"range_match { start: -5 end: 10 }", "-5", true},
      {"range_match { start: -5 end: 10 }", "10", false},
      {"range_match { start: -5 end: 10 }", "3x", false},
      {"range_match { start: -5 end: 10 }", "", false},
      {"string_match { exact: 'AbC' ignore_case: true }", "aBc", true},
      {"string_match { exact: 'abc' ignore_case: true }", "abcd", false},
      {"string_match { prefix: 'AB' ignore_case: true }", "abc", true},
      {"string_match { suffix: 'BC' ignore_case: true }", "abc", true},
      {"string_match { contains: 'B' ignore_case: true }", "abc", true},
      {"string_match { contains: 'B' }", "abc", false},
      {"string_match { safe_regex { regex: '[0-9]{3}' } }", "123", true},
      {"string_match { safe_regex { regex: '[0-9]{3}' } } invert_match: true", "1234", true},
  };
  for (const Case& c : cases) {
    envoy::config::route::v3::HeaderMatcher message;
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(std::string("name: 'X-A' ") + c.matcher, &message));
    base::Diagnostics diagnostics;
    const auto matcher = compileHeaderMatcher(message, diagnostics, base::FieldPath());
    ASSERT_TRUE(matcher.has_value()) << c.matcher;
    base::ChunkPool chunks;
    base::Arena arena(chunks);
    http::Head head(arena);
    if (c.header != nullptr) head.headers.add("x-a", c.header);
    EXPECT_EQ(matcher->matches(head), c.expected) << c.matcher << " on " << (c.header ? c.header : "(none)");
  }
}

TEST(CompileMatchersTest, RepeatedHeadersAreMatchedJoinedAndPseudoHeadersByName) {
  base::ChunkPool chunks;
  base::Arena arena(chunks);
  http::Head head(arena);
  head.method = "GET";
  head.path = "/x?y";
  head.headers.add("x-a", "1");
  head.headers.add("x-a", "2");
  filter::HeaderMatcher joined;
  joined.name = "x-a";
  joined.kind = filter::HeaderMatcher::Kind::kString;
  joined.value.emplace(filter::StringMatcher::Kind::kExact, "1,2", false);
  EXPECT_TRUE(joined.matches(head));
  filter::HeaderMatcher path;
  path.name = ":path";
  path.kind = filter::HeaderMatcher::Kind::kString;
  path.value.emplace(filter::StringMatcher::Kind::kPrefix, "/x", false);
  EXPECT_TRUE(path.matches(head));
  EXPECT_TRUE(filter::matchesAll({joined, path}, head));
  path.invert = true;
  EXPECT_FALSE(filter::matchesAll({joined, path}, head));
}

TEST(CompileMatchersTest, ABadExpressionIsReportedUnderItsField) {
  envoy::config::route::v3::HeaderMatcher message;
  message.set_name("a");
  message.mutable_string_match()->mutable_safe_regex()->set_regex("a(");
  base::Diagnostics diagnostics;
  const base::FieldPath root;
  EXPECT_FALSE(compileHeaderMatcher(message, diagnostics, root.at("headers", 2)).has_value());
  ASSERT_EQ(diagnostics.errors(), 1u);
  EXPECT_EQ(diagnostics.all()[0].path, "headers[2].string_match.safe_regex.regex");
  EXPECT_NE(diagnostics.all()[0].message.find("missing )"), std::string::npos) << diagnostics.all()[0].message;
}

}  // namespace
}  // namespace weir::extensions
