#include "source/http/cookie.h"

#include "gtest/gtest.h"

namespace weir::http {
namespace {

struct CookieCase {
  const char* field;
  const char* name;
  const char* value;  // null: none
};

TEST(CookieTest, FindsTheFirstOfThatName) {
  const CookieCase cases[] = {
      {"a=1", "a", "1"},         {"a=1; b=2", "b", "2"},  {"a=1;b=2", "b", "2"},    {"a=1; a=2", "a", "1"},
      {"ab=1", "a", nullptr},    {"A=1", "a", nullptr},   {"a", "a", nullptr},      {"a=", "a", ""},
      {"a=\"x y\"", "a", "x y"}, {"a=\"", "a", "\""},     {"b=a=1; a=2", "a", "2"}, {" a = 1 ;", "a", "1"},
      {"", "a", nullptr},        {";;; a=3;;", "a", "3"}, {"a=b=c", "a", "b=c"},
  };
  for (const CookieCase& c : cases) {
    base::ChunkPool chunks;
    base::Arena arena(chunks);
    HeaderMap headers(arena);
    headers.add("cookie", c.field);
    const auto seen = cookieValue(headers, c.name);
    ASSERT_EQ(seen.has_value(), c.value != nullptr) << c.field;
    if (seen) {
      EXPECT_EQ(*seen, c.value) << c.field;
    }
  }
}

TEST(CookieTest, LooksIntoEveryField) {
  base::ChunkPool chunks;
  base::Arena arena(chunks);
  HeaderMap headers(arena);
  headers.add("cookie", "a=1");
  headers.add("Cookie", "b=2");
  EXPECT_EQ(cookieValue(headers, "b"), "2");
  EXPECT_FALSE(cookieValue(headers, "c"));
}

}  // namespace
}  // namespace weir::http
