#include "source/extensions/access_loggers/log_condition.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>

#include "envoy/config/accesslog/v3/accesslog.pb.h"
#include "source/base/arena.h"

namespace weir::extensions {
namespace {

class LogConditionTest : public testing::Test {
 protected:
  LogConditionTest() {
    info_.status = 200;
    info_.start = {0};
    info_.complete = base::MonotonicTime{5'000'000};
    head_.headers.add("x-a", "yes");
    info_.request_head = &head_;
  }

  bool passes(const std::string& text) {
    envoy::config::accesslog::v3::AccessLogFilter message;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
    base::Diagnostics diagnostics;
    const auto condition = compileLogCondition(message, diagnostics, base::FieldPath());
    EXPECT_TRUE(condition.has_value()) << text;
    EXPECT_TRUE(diagnostics.ok()) << text;
    return condition && condition->passes(info_);
  }
  bool status(const std::string& op, int value) {
    return passes("status_code_filter { comparison { op: " + op + " value { default_value: " + std::to_string(value) +
                  " } } }");
  }

  base::ChunkPool pool_;
  base::Arena arena_{pool_};
  http::Head head_{arena_};
  filter::StreamInfo info_;
};

TEST_F(LogConditionTest, ComparesTheStatus) {
  EXPECT_TRUE(status("EQ", 200));
  EXPECT_FALSE(status("EQ", 201));
  EXPECT_TRUE(status("GE", 200));
  EXPECT_FALSE(status("GE", 201));
  EXPECT_TRUE(status("LE", 200));
  EXPECT_FALSE(status("LE", 199));
  EXPECT_TRUE(status("NE", 404));
  EXPECT_FALSE(status("NE", 200));
}

TEST_F(LogConditionTest, ComparesTheDurationInMilliseconds) {
  EXPECT_TRUE(passes("duration_filter { comparison { op: GE value { default_value: 5 } } }"));
  EXPECT_FALSE(passes("duration_filter { comparison { op: GE value { default_value: 6 } } }"));
}

TEST_F(LogConditionTest, LeavesOutHealthChecks) {
  EXPECT_TRUE(passes("not_health_check_filter {}"));
  info_.health_check = true;
  EXPECT_FALSE(passes("not_health_check_filter {}"));
}

TEST_F(LogConditionTest, LooksAtAHeader) {
  EXPECT_TRUE(passes("header_filter { header { name: 'x-a' string_match { exact: 'yes' } } }"));
  EXPECT_FALSE(passes("header_filter { header { name: 'x-a' string_match { exact: 'no' } } }"));
  info_.request_head = nullptr;
  EXPECT_FALSE(passes("header_filter { header { name: 'x-a' string_match { exact: 'yes' } } }"));
}

TEST_F(LogConditionTest, LooksAtTheFlag) {
  EXPECT_FALSE(passes("response_flag_filter {}"));
  EXPECT_FALSE(passes("response_flag_filter { flags: 'UF' }"));
  info_.reason = http::Reason::kConnectFailure;
  EXPECT_TRUE(passes("response_flag_filter {}"));
  EXPECT_TRUE(passes("response_flag_filter { flags: 'NR' flags: 'UF' }"));
  EXPECT_FALSE(passes("response_flag_filter { flags: 'NR' }"));
}

TEST_F(LogConditionTest, JoinsConditions) {
  const std::string is_200 = "filters { status_code_filter { comparison { value { default_value: 200 } } } } ";
  const std::string is_404 = "filters { status_code_filter { comparison { value { default_value: 404 } } } } ";
  EXPECT_TRUE(passes("and_filter { " + is_200 + is_200 + "}"));
  EXPECT_FALSE(passes("and_filter { " + is_200 + is_404 + "}"));
  EXPECT_TRUE(passes("or_filter { " + is_404 + is_200 + "}"));
  EXPECT_FALSE(passes("or_filter { " + is_404 + is_404 + "}"));
}

TEST(LogConditionErrors, AnErrorDeepInsideNamesItsPlace) {
  envoy::config::accesslog::v3::AccessLogFilter message;
  auto& filters = *message.mutable_and_filter()->mutable_filters();
  filters.Add()->mutable_not_health_check_filter();
  auto& header = *filters.Add()->mutable_header_filter()->mutable_header();
  header.set_name("a");
  header.mutable_string_match()->mutable_safe_regex()->set_regex("(");
  base::Diagnostics diagnostics;
  const base::FieldPath root;
  EXPECT_FALSE(compileLogCondition(message, diagnostics, root.at("filter")).has_value());
  ASSERT_EQ(diagnostics.all().size(), 1u);
  EXPECT_TRUE(diagnostics.all()[0].path.starts_with("filter.and_filter.filters[1].header_filter.header"))
      << diagnostics.all()[0].path;
}

}  // namespace
}  // namespace weir::extensions
