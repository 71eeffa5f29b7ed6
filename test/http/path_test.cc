#include "source/http/path.h"

#include <string>

#include "gtest/gtest.h"
#include "source/base/random.h"

namespace weir::http {
namespace {

constexpr PathOptions kMerging{.normalize = true, .merge_slashes = true, .escaped_slashes = EscapedSlashes::kKeep};

class PathTest : public testing::Test {
 protected:
  // The result; "refused", or "-> target" for a redirect.
  std::string normalized(std::string_view target, const PathOptions& options = {}) {
    const PathResult result = normalizePath(target, options, arena_);
    if (result.kind == PathResult::Kind::kRefused) return "refused";
    return (result.kind == PathResult::Kind::kRedirect ? "-> " : "") + std::string(result.target);
  }

  base::ChunkPool pool_;
  base::Arena arena_{pool_};
};

TEST_F(PathTest, RemovesDotSegmentsAsTheRfcSays) {
  for (const auto& [target, expected] : {
           std::pair{"/", "/"},
           {"/a/b/c/./../../g", "/a/g"},
           {"/..", "/"},
           {"/../..", "/"},
           {"/.", "/"},
           {"/a/.", "/a/"},
           {"/a/..", "/"},
           {"/a/../", "/"},
           {"/a/b/..", "/a/"},
           {"/a//../b", "/a/b"},
           {"/...", "/..."},
           {"/.a/..b/c.", "/.a/..b/c."},
           {"/a/./b?x=/../y", "/a/b?x=/../y"},
           {"/a?../..", "/a?../.."},
           {"/./", "/"},
           {"/a/...//", "/a/...//"},
           {"//..", "/"},
           {"//../a", "/a"},
           {"*", "*"},
           {"", ""},
       }) {
    EXPECT_EQ(normalized(target), expected) << target;
  }
}

TEST_F(PathTest, DecodesOnlyUnreservedEscapes) {
  EXPECT_EQ(normalized("/%41%7e%2D/%20%3f%25"), "/A~-/%20%3f%25");
  EXPECT_EQ(normalized("/a/%2e%2E/b"), "/b");
  EXPECT_EQ(normalized("/a/.%2e/b"), "/b");
  EXPECT_EQ(normalized("/%252e%252e/b"), "/%252e%252e/b");
  EXPECT_EQ(normalized("/a?%41"), "/a?%41");
  EXPECT_EQ(normalized("/a\\..\\b"), "/b");
}

TEST_F(PathTest, RefusesWhatCannotBeNormalised) {
  for (const char* target : {"a", "?x", "/%", "/%4", "/%4?", "/%zz", "/%%34%31", "/%00", "/a%g1"}) {
    EXPECT_EQ(normalized(target), "refused") << target;
  }
  EXPECT_EQ(normalized("/%zz/../%00", {.normalize = false}), "/%zz/../%00");
}

TEST_F(PathTest, MergesSlashes) {
  EXPECT_EQ(normalized("//a///b//?c//d", kMerging), "/a/b/?c//d");
  EXPECT_EQ(normalized("/a//../b", kMerging), "/a/b");
  EXPECT_EQ(normalized("//a", {.normalize = false, .merge_slashes = true}), "/a");
  EXPECT_EQ(normalized("//a"), "//a");
}

TEST_F(PathTest, TreatsEscapedSlashesAsConfigured) {
  const std::string_view target = "/a%2Fb%5c../c";
  EXPECT_EQ(normalized(target), target);
  EXPECT_EQ(normalized(target, {.escaped_slashes = EscapedSlashes::kReject}), "refused");
  EXPECT_EQ(normalized(target, {.escaped_slashes = EscapedSlashes::kUnescapeAndForward}), "/a/c");
  EXPECT_EQ(normalized(target, {.escaped_slashes = EscapedSlashes::kUnescapeAndRedirect}), "-> /a/c");
  EXPECT_EQ(normalized("/a%2fb", {.normalize = false, .escaped_slashes = EscapedSlashes::kUnescapeAndForward}), "/a/b");
  EXPECT_EQ(normalized("/a?%2f", {.escaped_slashes = EscapedSlashes::kReject}), "/a?%2f");
}

TEST_F(PathTest, ApplyingItTwiceChangesNothingMore) {
  base::Random random(3);
  constexpr std::string_view kPieces[] = {"/",  "/", ".",   "..",  "%2e", "%2E", "%2f", "%5C",
                                          "\\", "a", "%41", "%25", "%",   "2e",  "?",   "%c3"};
  size_t accepted = 0;
  for (int round = 0; round < 100000; ++round) {
    std::string target = "/";
    for (uint64_t n = random.below(10); n > 0; --n) target += kPieces[random.below(std::size(kPieces))];
    for (const EscapedSlashes slashes :
         {EscapedSlashes::kKeep, EscapedSlashes::kReject, EscapedSlashes::kUnescapeAndForward}) {
      const PathOptions options{.normalize = true, .merge_slashes = random.below(2) == 0, .escaped_slashes = slashes};
      const std::string once = normalized(target, options);
      if (once == "refused") continue;
      ++accepted;
      ASSERT_EQ(normalized(once, options), once) << target;
      const std::string path(pathOf(once));
      ASSERT_EQ((path + "/").find("/../"), std::string::npos) << target;
      ASSERT_EQ((path + "/").find("/./"), std::string::npos) << target;
    }
    arena_.reset();
  }
  EXPECT_GT(accepted, 100000u);
}

TEST_F(PathTest, SplitsTargets) {
  EXPECT_EQ(pathOf("/a?b?c"), "/a");
  EXPECT_EQ(queryOf("/a?b?c"), "b?c");
  EXPECT_EQ(pathOf("/a"), "/a");
  EXPECT_EQ(queryOf("/a"), "");
}

TEST_F(PathTest, DecodesEscapesAndKeepsBrokenOnes) {
  EXPECT_EQ(percentDecode("a%20b%2", arena_), "a b%2");
  EXPECT_EQ(percentDecode("%zz%41", arena_), "%zzA");
  EXPECT_EQ(percentDecode("%00", arena_), std::string_view("\0", 1));
  const std::string_view plain = "plain";
  EXPECT_EQ(percentDecode(plain, arena_).data(), plain.data());
}

TEST_F(PathTest, IteratesParameters) {
  std::string seen;
  const auto note = [&seen](std::string_view key, std::string_view value) {
    seen.append(key).append(":").append(value).append(";");
    return key != "stop";
  };
  forEachQueryParameter("a&b=&=c&&d=e=f&", note);
  EXPECT_EQ(seen, "a:;b:;:c;d:e=f;");
  seen.clear();
  forEachQueryParameter("a=1&stop&b=2", note);
  EXPECT_EQ(seen, "a:1;stop:;");
}

}  // namespace
}  // namespace weir::http
