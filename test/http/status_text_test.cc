#include "source/http/status_text.h"

#include "gtest/gtest.h"

namespace weir::http {
namespace {

TEST(StatusText, KnowsRegisteredPhrases) {
  EXPECT_EQ(statusText(101), "Switching Protocols");
  EXPECT_EQ(statusText(200), "OK");
  EXPECT_EQ(statusText(304), "Not Modified");
  EXPECT_EQ(statusText(431), "Request Header Fields Too Large");
  EXPECT_EQ(statusText(504), "Gateway Timeout");
}

TEST(StatusText, SaysUnknownForTheRest) {
  for (const uint16_t status : {0, 199, 299, 399, 499, 599, 999}) EXPECT_EQ(statusText(status), "Unknown") << status;
}

}  // namespace
}  // namespace weir::http
