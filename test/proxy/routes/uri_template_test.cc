#include "source/proxy/routes/uri_template.h"

#include <re2/re2.h>

#include <string>

#include "gtest/gtest.h"
#include "source/proxy/routes/path_rewrite.h"

namespace weir::proxy {
namespace {

bool matches(const char* text, std::string_view path) {
  const auto parsed = parseUriTemplate(text);
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  return RE2::FullMatch(re2::StringPiece(path.data(), path.size()), parsed->expression);
}

struct MatchCase {
  const char* text;
  const char* path;
  bool expected;
};

TEST(UriTemplateTest, MatchesSegmentsAndRests) {
  const MatchCase cases[] = {
      {"/a/*", "/a/b", true},
      {"/a/*", "/a/b/c", false},
      {"/a/*", "/a/", false},
      {"/a/*/c", "/a/b/c", true},
      {"/a/**", "/a/b/c", true},
      {"/a/**", "/a/", true},
      {"/a/**", "/a", false},
      {"/**.mpd", "/x/y/z.mpd", true},
      {"/**.mpd", "/x/y/z.mp4", false},
      {"/a/*.m4s", "/a/1080_01.m4s", true},
      {"/{user}/{lang=*}/x", "/ann/de/x", true},
      {"/{user}/x", "/ann/b/x", false},
      {"/{path=a/*}/x", "/a/b/x", true},
      {"/{path=a/*}/x", "/b/b/x", false},
      {"/{path=**}", "/a/b", true},
      {"/a.b", "/acb", false},
      {"/a+(b)", "/a+(b)", true},
  };
  for (const MatchCase& c : cases) EXPECT_EQ(matches(c.text, c.path), c.expected) << c.text << " " << c.path;
}

TEST(UriTemplateTest, EveryByteOfASegmentCounts) {
  for (char c = 0x21; c < 0x7f; ++c) {
    EXPECT_EQ(matches("/a/*", std::string("/a/") + c), c != '/') << c;
    EXPECT_TRUE(matches("/a/**", std::string("/a/") + c)) << c;
  }
}

TEST(UriTemplateTest, RefusesWhatIsNoTemplate) {
  for (const char* text : {"", "a", "/{", "/{}", "/{1a}", "/{a b}", "/{a}/{a}", "/}", "/***", "/**/*", "/**/{a}",
                           "/{a=}", "/{a={b}}", "/a?b", "/{a23456789012345678}", "/{a}{b}{c}{d}{e}{f}"}) {
    EXPECT_FALSE(parseUriTemplate(text).ok()) << text;
  }
}

TEST(UriTemplateTest, RewritesWithVariables) {
  const auto parsed = parseUriTemplate("/{user}/files/{rest=**}");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->variables, (std::vector<std::string>{"user", "rest"}));
  const auto substitution = parseUriRewrite("/v2/{rest}/of\\1/{user}", *parsed);
  ASSERT_TRUE(substitution.ok()) << substitution.status();
  const auto rewrite = PathRewrite::make("^" + parsed->expression + "$", *substitution);
  ASSERT_TRUE(rewrite.ok()) << rewrite.status();
  EXPECT_EQ((*rewrite)->apply("/ann/files/a/b.txt"), "/v2/a/b.txt/of\\1/ann");
  for (const char* text : {"v2", "/{nobody}", "/{user", "/*", "/a?b", "/}"}) {
    EXPECT_FALSE(parseUriRewrite(text, *parsed).ok()) << text;
  }
}

}  // namespace
}  // namespace weir::proxy
