#include "source/http/reason.h"

#include <set>
#include <string_view>

#include "gtest/gtest.h"

namespace weir::http {
namespace {

constexpr Reason kAll[] = {
#define WEIR_REASON(id, flag, status, name, sentence) Reason::id,
#include "source/http/reasons.inc"
#undef WEIR_REASON
};

TEST(Reason, EachHasAnInfoOfItsOwn) {
  std::set<std::string_view> names;
  for (const Reason reason : kAll) {
    const ReasonInfo& info = reasonInfo(reason);
    EXPECT_EQ(info.reason, reason);
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    EXPECT_FALSE(info.name.empty());
    EXPECT_FALSE(info.flag.empty()) << info.name;
    ASSERT_FALSE(info.sentence.empty()) << info.name;
    EXPECT_EQ(info.sentence.back(), '.') << info.name;
    EXPECT_TRUE(info.status == 0 || (info.status >= 200 && info.status < 600)) << info.name;
  }
}

TEST(Reason, NoneIsEmpty) {
  EXPECT_EQ(reasonInfo(Reason::kNone).flag, "-");
  EXPECT_EQ(reasonInfo(Reason::kNone).status, 0);
  EXPECT_EQ(reasonInfo(Reason::kNone).name, "");
}

}  // namespace
}  // namespace weir::http
