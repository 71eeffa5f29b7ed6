#include "source/http/authority.h"

#include <cctype>
#include <string>

#include "gtest/gtest.h"

namespace weir::http {
namespace {

TEST(Authority, SplitsHostAndPort) {
  EXPECT_EQ(parseAuthority("a.example")->host, "a.example");
  EXPECT_EQ(parseAuthority("a.example")->port, std::nullopt);
  EXPECT_EQ(parseAuthority("a:80")->host, "a");
  EXPECT_EQ(parseAuthority("a:80")->port, 80);
  EXPECT_EQ(parseAuthority("[::1]:65535")->host, "[::1]");
  EXPECT_EQ(parseAuthority("[::1]:65535")->port, 65535);
  EXPECT_EQ(parseAuthority("[::1]")->port, std::nullopt);
}

TEST(Authority, RefusesEveryByteThatIsNotOfAHost) {
  for (int b = 0; b < 256; ++b) {
    const char c = static_cast<char>(b);
    const std::string text = std::string("a") + c + "b";
    const bool allowed =
        isalnum(b) != 0 || (b != 0 && b < 128 && std::string_view("-._~!$&'()*+;=%").find(c) != std::string_view::npos);
    EXPECT_EQ(parseAuthority(text).has_value(), allowed) << b;
  }
}

TEST(Authority, RefusesBadPorts) {
  for (const char* text : {"a:", "a:65536", "a:-1", "a:123456", "a: 1", ":1", "", "[::1]:", "[::1]1", "::1", "a:1:2"}) {
    EXPECT_FALSE(parseAuthority(text)) << text;
  }
}

TEST(Authority, StripsPorts) {
  EXPECT_EQ(stripPort("a:80"), "a");
  EXPECT_EQ(stripPort("a"), "a");
  EXPECT_EQ(stripPort("[::1]:80"), "[::1]");
  EXPECT_EQ(stripPort("[::1]"), "[::1]");
  EXPECT_EQ(stripPort("::1"), "::1");
  EXPECT_EQ(stripPort("a:b"), "a:b");
  EXPECT_EQ(stripPort(""), "");
}

}  // namespace
}  // namespace weir::http
