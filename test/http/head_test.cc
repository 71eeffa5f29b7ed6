#include "source/http/head.h"

#include "gtest/gtest.h"

namespace weir::http {
namespace {

class HeadTest : public testing::Test {
 protected:
  base::ChunkPool pool_;
  base::Arena arena_{pool_};
};

TEST_F(HeadTest, FindsPseudoHeadersOfARequest) {
  Head head(arena_);
  head.method = "GET";
  head.scheme = "https";
  head.authority = "example.com";
  head.path = "/a?b";
  head.content_length = 12;
  EXPECT_EQ(head.value(":method"), "GET");
  EXPECT_EQ(head.value(":scheme"), "https");
  EXPECT_EQ(head.value(":authority"), "example.com");
  EXPECT_EQ(head.value("host"), "example.com");
  EXPECT_EQ(head.value(":path"), "/a?b");
  EXPECT_EQ(head.value("content-length"), "12");
  EXPECT_EQ(head.value(":status"), std::nullopt);
  EXPECT_EQ(head.value(":unknown"), std::nullopt);
  EXPECT_TRUE(head.isRequest());
}

TEST_F(HeadTest, FindsTheStatusAndJoinsRepeatedFields) {
  Head head(arena_);
  head.status = 503;
  head.headers.add("Via", "a");
  head.headers.add("via", "b");
  EXPECT_EQ(head.value(":status"), "503");
  EXPECT_EQ(head.value("via"), "a,b");
  EXPECT_EQ(head.value(":method"), std::nullopt);
  EXPECT_EQ(head.value("content-length"), std::nullopt);
}

TEST_F(HeadTest, Only1xxBut101IsInterim) {
  Head head(arena_);
  for (const auto& [status, interim] :
       {std::pair<uint16_t, bool>{100, true}, {103, true}, {101, false}, {200, false}}) {
    head.status = status;
    EXPECT_EQ(head.isInterim(), interim) << status;
  }
}

TEST(VersionName, NamesEachVersion) {
  EXPECT_EQ(versionName(Version::kHttp10), "HTTP/1.0");
  EXPECT_EQ(versionName(Version::kHttp11), "HTTP/1.1");
  EXPECT_EQ(versionName(Version::kHttp2), "HTTP/2");
}

}  // namespace
}  // namespace weir::http
