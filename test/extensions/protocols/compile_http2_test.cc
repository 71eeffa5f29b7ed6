#include "source/extensions/protocols/compile_http2.h"

#include <google/protobuf/text_format.h>

#include <string>
#include <vector>

#include "envoy/config/core/v3/core.pb.h"
#include "gtest/gtest.h"

namespace weir::extensions {
namespace {

struct Compiled {
  Http2Settings settings;
  std::vector<base::Diagnostic> all;
};

Compiled compile(const std::string& text, http::Role role = http::Role::kServer) {
  envoy::config::core::v3::Http2ProtocolOptions message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  base::Diagnostics diagnostics;
  Compiled result;
  compileHttp2(message, role, result.settings, diagnostics, base::FieldPath().at("h2"));
  result.all = diagnostics.all();
  return result;
}

TEST(CompileHttp2Test, AnEmptyMessageKeepsTheSafeDefaults) {
  const Compiled result = compile("");
  EXPECT_TRUE(result.all.empty());
  EXPECT_EQ(result.settings.options.max_concurrent_streams, 100u);
  EXPECT_EQ(result.settings.options.initial_stream_window, 64u * 1024);
  EXPECT_EQ(result.settings.options.initial_connection_window, 1024u * 1024);
  EXPECT_EQ(result.settings.options.budgets.outbound_frames, 1000u);
  EXPECT_FALSE(result.settings.options.allow_connect);
  EXPECT_FALSE(result.settings.keepalive.has_value());
}

TEST(CompileHttp2Test, EveryFieldIsHonoured) {
  const Compiled result = compile(R"(
      hpack_table_size { value: 0 } max_concurrent_streams { value: 7 }
      initial_stream_window_size { value: 65535 } initial_connection_window_size { value: 70000 }
      allow_connect: true max_outbound_frames { value: 90 } max_outbound_control_frames { value: 800 }
      max_consecutive_inbound_frames_with_empty_payload { value: 3 }
      max_inbound_priority_frames_per_stream { value: 4 }
      max_inbound_window_update_frames_per_data_frame_sent { value: 5 }
      override_stream_error_on_invalid_http_message { value: true }
      connection_keepalive { interval { seconds: 30 } timeout { seconds: 2 } interval_jitter { value: 5 }
                             connection_idle_interval { seconds: 9 } })");
  EXPECT_TRUE(result.all.empty());
  const http::h2::H2Options& options = result.settings.options;
  EXPECT_EQ(options.hpack_table_bytes, 0u);
  EXPECT_EQ(options.max_concurrent_streams, 7u);
  EXPECT_EQ(options.initial_stream_window, 65535u);
  EXPECT_EQ(options.initial_connection_window, 70000u);
  EXPECT_TRUE(options.allow_connect);
  EXPECT_EQ(options.budgets.outbound_frames, 90u);
  EXPECT_EQ(options.budgets.empty.burst, 3u);
  EXPECT_EQ(options.budgets.priority_per_stream, 4u);
  EXPECT_EQ(options.budgets.window_update_per_data, 5u);
  ASSERT_TRUE(result.settings.keepalive.has_value());
  EXPECT_EQ(result.settings.keepalive->interval, absl::Seconds(30));
  EXPECT_EQ(result.settings.keepalive->timeout, absl::Seconds(2));
  EXPECT_EQ(result.settings.keepalive->jitter_percent, 5);
  EXPECT_EQ(result.settings.keepalive->idle_interval, absl::Seconds(9));
}

TEST(CompileHttp2Test, JitterIsFifteenPercentWhereItIsNotGiven) {
  const Compiled result = compile("connection_keepalive { interval { seconds: 1 } timeout { seconds: 1 } }");
  ASSERT_TRUE(result.settings.keepalive.has_value());
  EXPECT_EQ(result.settings.keepalive->jitter_percent, 15);
}

TEST(CompileHttp2Test, MoreFramesThanTheDefaultOfControlFramesNeedBothFields) {
  EXPECT_EQ(compile("max_outbound_frames { value: 10000 }").settings.options.budgets.outbound_frames, 1000u);
  EXPECT_EQ(compile("max_outbound_frames { value: 10000 } max_outbound_control_frames { value: 5000 }")
                .settings.options.budgets.outbound_frames,
            5000u);
}

struct Remark {
  std::string text;
  http::Role role;
  std::string path;
  base::Diagnostic::Severity severity;
};

class RemarkTest : public testing::TestWithParam<Remark> {};

TEST_P(RemarkTest, NamesTheField) {
  const Compiled result = compile(GetParam().text, GetParam().role);
  ASSERT_EQ(result.all.size(), 1u);
  EXPECT_EQ(result.all[0].path, GetParam().path);
  EXPECT_EQ(result.all[0].severity, GetParam().severity);
}

INSTANTIATE_TEST_SUITE_P(
    Http2, RemarkTest,
    testing::Values(Remark{"allow_connect: true", http::Role::kClient, "h2.allow_connect",
                           base::Diagnostic::Severity::kWarning},
                    Remark{"override_stream_error_on_invalid_http_message {}", http::Role::kServer,
                           "h2.override_stream_error_on_invalid_http_message", base::Diagnostic::Severity::kWarning},
                    Remark{"connection_keepalive { timeout { seconds: 1 } }", http::Role::kServer,
                           "h2.connection_keepalive", base::Diagnostic::Severity::kWarning},
                    Remark{"connection_keepalive { interval { seconds: 1 } timeout {} }", http::Role::kServer,
                           "h2.connection_keepalive.timeout", base::Diagnostic::Severity::kError}));

}  // namespace
}  // namespace weir::extensions
