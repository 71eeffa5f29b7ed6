#include "source/http/header_map.h"

#include <string>

#include "gtest/gtest.h"

namespace weir::http {
namespace {

class HeaderMapTest : public testing::Test {
 protected:
  std::string text() const {
    std::string out;
    for (const Field& field : map_) out.append(field.name).append("=").append(field.value).append(";");
    return out;
  }

  base::ChunkPool pool_;
  base::Arena arena_{pool_};
  HeaderMap map_{arena_};
};

TEST_F(HeaderMapTest, KeepsOrderAndLowersNames) {
  map_.add("X-B", "1");
  map_.add("Host", "h");
  map_.add(HeaderId::kAccept, "2");
  map_.add("x-b", "3");
  EXPECT_EQ(text(), "x-b=1;host=h;accept=2;x-b=3;");
  EXPECT_TRUE(map_.has(HeaderId::kHost));
  EXPECT_TRUE(map_.has(HeaderId::kAccept));
  EXPECT_FALSE(map_.has(HeaderId::kVia));
  EXPECT_EQ(map_.get("x-b"), "1");
  EXPECT_EQ(map_.get("host"), "h");
  EXPECT_EQ(map_.get("x-c"), std::nullopt);
  EXPECT_EQ(map_.count("x-b"), 2u);
  EXPECT_EQ(map_.bytes(), 3u + 1 + 4 + 1 + 6 + 1 + 3 + 1);
}

TEST_F(HeaderMapTest, CopiesWhatItIsGiven) {
  std::string name = "X-Name";
  std::string value = "value";
  map_.add(name, value);
  name.assign("zzzzzz");
  value.assign("zzzzz");
  EXPECT_EQ(text(), "x-name=value;");
}

TEST_F(HeaderMapTest, SetReplacesTheFirstAndRemovesTheOthers) {
  for (const char* name : {"a", "via", "a", "via", "b"}) map_.add(name, "old");
  map_.set("A", "new");
  EXPECT_EQ(text(), "a=new;via=old;via=old;b=old;");
  map_.set("Via", "newer");
  EXPECT_EQ(text(), "a=new;via=newer;b=old;");
  map_.set("c", "1");
  map_.set(HeaderId::kAge, "2");
  EXPECT_EQ(text(), "a=new;via=newer;b=old;c=1;age=2;");
}

TEST_F(HeaderMapTest, RemoveKeepsTheRestAndClearsPresence) {
  for (const char* name : {"a", "via", "b", "via", "A"}) map_.add(name, "1");
  EXPECT_EQ(map_.remove("VIA"), 2u);
  EXPECT_FALSE(map_.has(HeaderId::kVia));
  EXPECT_EQ(map_.remove("a"), 2u);
  EXPECT_EQ(map_.remove("a"), 0u);
  EXPECT_EQ(map_.remove(HeaderId::kHost), 0u);
  EXPECT_EQ(text(), "b=1;");
}

// What is written without another look must be what was parsed.
TEST_F(HeaderMapTest, WhatIsSetOrAddedIsNotTakenForParsed) {
  map_.addParsed(HeaderId::kServer, "server", "parsed");
  map_.addParsed(HeaderId::kOther, "x-one", "parsed");
  map_.addParsed(HeaderId::kOther, "x-two", "parsed");
  map_.set(HeaderId::kServer, "a");
  map_.set("X-One", "b");
  map_.add("x-three", "c");
  map_.addView(HeaderId::kOther, "x-four", "d");
  std::string parsed;
  for (const Field& field : map_) {
    if (field.parsed) parsed += std::string(field.name) + " ";
  }
  EXPECT_EQ(parsed, "x-two ");
}

TEST_F(HeaderMapTest, JoinsRepeatedValues) {
  map_.add("x", "");
  map_.add("x", "1");
  map_.add("cookie", "a=1");
  map_.add("cookie", "b=2");
  map_.add("y", "only");
  EXPECT_EQ(map_.joined("x"), ",1");
  EXPECT_EQ(map_.joined("cookie"), "a=1; b=2");
  EXPECT_EQ(map_.joined("y"), "only");
  EXPECT_EQ(map_.joined("z"), std::nullopt);
}

TEST_F(HeaderMapTest, GrowsPastItsFirstCapacity) {
  for (int i = 0; i < 100; ++i) map_.add("h" + std::to_string(i), std::to_string(i));
  EXPECT_EQ(map_.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(map_.get("h" + std::to_string(i)), std::to_string(i));
}

}  // namespace
}  // namespace weir::http
