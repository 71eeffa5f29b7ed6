#include "source/http/date.h"

#include <string>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace weir::http {
namespace {

TEST(DateText, WritesFixedDates) {
  DateText date;
  EXPECT_EQ(date.text(absl::FromUnixSeconds(784111777)), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(date.text(absl::FromUnixSeconds(0)), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(date.text(absl::FromUnixSeconds(1709251199)), "Thu, 29 Feb 2024 23:59:59 GMT");
  EXPECT_EQ(date.text(absl::FromUnixSeconds(1709251200)), "Fri, 01 Mar 2024 00:00:00 GMT");
}

TEST(DateText, ChangesWithTheSecondOnly) {
  DateText date;
  const absl::Time start = absl::FromUnixSeconds(1000);
  const std::string first(date.text(start));
  EXPECT_EQ(date.text(start + absl::Milliseconds(999)), first);
  EXPECT_NE(date.text(start + absl::Seconds(1)), first);
}

TEST(DateText, AgreesWithTheLibraryOverDecades) {
  DateText date;
  for (int64_t second = 1; second < 4'000'000'000; second += 7'654'321) {
    const absl::Time t = absl::FromUnixSeconds(second);
    ASSERT_EQ(date.text(t), absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", t, absl::UTCTimeZone()));
  }
}

}  // namespace
}  // namespace weir::http
