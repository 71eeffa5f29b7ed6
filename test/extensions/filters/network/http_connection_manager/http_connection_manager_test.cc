// Connection manager messages as text in, the compiled configuration or errors out.
#include "source/extensions/filters/network/http_connection_manager/http_connection_manager.h"

#include <google/protobuf/text_format.h>

#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "envoy/extensions/filters/http/buffer/v3/buffer.pb.h"
#include "envoy/extensions/filters/http/router/v3/router.pb.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "gtest/gtest.h"
#include "source/proxy/http_connection_manager.h"
#include "source/stats/stats.h"

namespace weir::extensions::http_connection_manager {
namespace {

using envoy::extensions::filters::http::buffer::v3::Buffer;
using envoy::extensions::filters::http::router::v3::Router;
using envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;

class NoteFactory final : public filter::HttpFilterFactory {
 public:
  filter::HttpFilter* create(base::Arena& arena, const net::WorkerContext&) const override {
    return arena.make<filter::HttpFilter>();
  }
  filter::HookMask hooks() const override { return {}; }
};

class NoSinks final : public proxy::LogSinks {
 public:
  absl::StatusOr<filter::LogSink*> open(std::string_view) override { return absl::NotFoundError("no sinks here"); }
};

class CompileTest : public testing::Test {
 protected:
  CompileTest() {
    filter::HttpFilterType router;
    router.config_type = std::string(Router::descriptor()->full_name());
    router.usual_name = "envoy.filters.http.router";
    router.terminal = true;
    EXPECT_TRUE(filters_.add(router).ok());
    filter::HttpFilterType note;
    note.config_type = std::string(Buffer::descriptor()->full_name());
    note.usual_name = "envoy.filters.http.buffer";
    note.make = [](const google::protobuf::Message& message,
                   const filter::FactoryContext& context) -> std::unique_ptr<filter::HttpFilterFactory> {
      const auto& buffer = static_cast<const Buffer&>(message);
      if (buffer.max_request_bytes().value() != 0) return std::make_unique<NoteFactory>();
      context.diagnostics.error(context.path.at("max_request_bytes"), "0; allowed: 1 or more");
      return nullptr;
    };
    EXPECT_TRUE(filters_.add(note).ok());
  }

  // The configuration; null after an error. `filters` stands instead of the router alone.
  const proxy::HttpConnectionManagerConfig* compile(const std::string& text, const std::string& filters = kRouter) {
    diagnostics_ = base::Diagnostics();
    const std::string whole =
        absl::StrCat("stat_prefix: 'p' route_config { virtual_hosts { name: 'h' domains: '*' ",
                     "routes { match { prefix: '/' } route { cluster: 'c' } } } } ", filters, " ", text);
    HttpConnectionManager message;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(whole, &message)) << whole;
    return make(message);
  }
  const proxy::HttpConnectionManagerConfig* make(const HttpConnectionManager& message) {
    factory_ = httpConnectionManagerType().make(
        message, {stats_, diagnostics_, root_, clock_, filters_, logs_, sinks_, problem_, false});
    if (factory_ == nullptr) return nullptr;
    return &static_cast<const proxy::HttpConnectionManagerFactory&>(*factory_).config();
  }
  // All messages, a line each: "path: text".
  std::string messages() const {
    std::string all;
    for (const base::Diagnostic& one : diagnostics_.all()) absl::StrAppend(&all, one.path, ": ", one.message, "\n");
    return all;
  }

  static constexpr char kRouter[] =
      "http_filters { name: 'router' typed_config { "
      "[type.googleapis.com/envoy.extensions.filters.http.router.v3.Router] {} } }";
  static constexpr char kBuffer[] =
      "http_filters { name: 'buffer' typed_config { "
      "[type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer] { max_request_bytes { value: 9 } } } }";

  stats::Registry stats_;
  base::Diagnostics diagnostics_;
  base::RealClock clock_;
  base::FieldPath root_;
  filter::HttpFilterRegistry filters_;
  proxy::AccessLogRegistry logs_;
  NoSinks sinks_;
  const std::function<std::string(std::string_view)> problem_ = [](std::string_view name) {
    return name == "c" ? "" : "no such cluster";
  };
  std::unique_ptr<proxy::SessionFactory> factory_;
};

TEST_F(CompileTest, ShipsSafeDefaults) {
  const auto* config = compile("");
  ASSERT_NE(config, nullptr) << messages();
  EXPECT_EQ(messages(), "");
  EXPECT_EQ(config->idle_timeout, absl::Hours(1));
  EXPECT_EQ(config->request_headers_timeout, absl::Seconds(10));
  EXPECT_EQ(config->stream_idle_timeout, absl::Minutes(5));
  EXPECT_EQ(config->delayed_close_timeout, absl::Seconds(1));
  EXPECT_EQ(config->server_name, "weir");
  EXPECT_EQ(config->h1.limits.head_bytes, 60u * 1024);
  EXPECT_EQ(config->h1.limits.head_fields, 100u);
  EXPECT_EQ(config->protocol, proxy::DownstreamProtocol::kAuto);
  EXPECT_EQ(config->h2.limits.head_bytes, 60u * 1024);
  EXPECT_EQ(config->h2.limits.head_fields, 100u);
  EXPECT_EQ(config->h2.max_concurrent_streams, 100u);
  EXPECT_EQ(config->h2.initial_stream_window, 64u * 1024);
  EXPECT_EQ(config->h2.initial_connection_window, 1024u * 1024);
  EXPECT_FALSE(config->h2.allow_connect);
  EXPECT_FALSE(config->h2_keepalive.has_value());
  EXPECT_TRUE(config->request.path.normalize);
  EXPECT_TRUE(config->request.generate_request_id);
  EXPECT_FALSE(config->request.use_remote_address);
  EXPECT_EQ(factory_->clusters(), std::vector<std::string>{"c"});
  EXPECT_GT(factory_->inputBytes(), 60u * 1024);
}

TEST_F(CompileTest, ASchemeForAllComesBeforeThatOfTheUpstream) {
  const auto* config = compile("scheme_header_transformation { scheme_to_overwrite: 'https' match_upstream: true }");
  ASSERT_NE(config, nullptr) << messages();
  EXPECT_EQ(config->request.scheme_always, "https");
  EXPECT_FALSE(config->scheme_of_upstream);
}

TEST_F(CompileTest, HonoursEveryOption) {
  const auto* config = compile(R"(
    codec_type: HTTP1 server_name: 's' server_header_transformation: PASS_THROUGH via: 'v'
    drain_timeout { seconds: 1 } stream_idle_timeout { seconds: 2 } delayed_close_timeout { seconds: 3 }
    request_timeout { seconds: 4 } request_headers_timeout { seconds: 5 } max_request_headers_kb { value: 4 }
    use_remote_address { value: true } generate_request_id { value: false } xff_num_trusted_hops: 2
    skip_xff_append: true normalize_path { value: false } preserve_external_request_id: true merge_slashes: true
    always_set_request_id_in_response: true strip_any_host_port: true append_x_forwarded_port: true
    path_with_escaped_slashes_action: UNESCAPE_AND_FORWARD strip_trailing_host_dot: true
    scheme_header_transformation { match_upstream: true } http1_safe_max_connection_duration: true
    upgrade_configs { upgrade_type: 'WebSocket' } upgrade_configs { upgrade_type: 'CONNECT' enabled { value: false } }
    http_protocol_options { accept_http_10: true default_host_for_http_10: 'd' enable_trailers: true
                            allow_absolute_url { value: false } }
    common_http_protocol_options { idle_timeout { seconds: 6 } max_headers_count { value: 7 }
      max_connection_duration { seconds: 8 } max_stream_duration { seconds: 9 }
      headers_with_underscores_action: DROP_HEADER max_requests_per_connection { value: 10 } })");
  ASSERT_NE(config, nullptr) << messages();
  EXPECT_EQ(config->server_name, "s");
  EXPECT_EQ(config->server_header, proxy::ServerHeader::kPassThrough);
  EXPECT_EQ(config->request.via, "v");
  EXPECT_EQ(config->drain_timeout, absl::Seconds(1));
  EXPECT_EQ(config->stream_idle_timeout, absl::Seconds(2));
  EXPECT_EQ(config->delayed_close_timeout, absl::Seconds(3));
  EXPECT_EQ(config->request_timeout, absl::Seconds(4));
  EXPECT_EQ(config->request_headers_timeout, absl::Seconds(5));
  EXPECT_EQ(config->h1.limits.head_bytes, 4096u);
  EXPECT_TRUE(config->request.use_remote_address && config->request.skip_xff_append);
  EXPECT_FALSE(config->request.generate_request_id || config->request.path.normalize);
  EXPECT_EQ(config->request.xff_num_trusted_hops, 2u);
  EXPECT_TRUE(config->request.preserve_external_request_id && config->request.path.merge_slashes);
  EXPECT_TRUE(config->always_set_request_id_in_response && config->request.strip_any_host_port);
  EXPECT_TRUE(config->request.append_x_forwarded_port && config->request.strip_trailing_host_dot);
  EXPECT_TRUE(config->scheme_of_upstream && config->closes_with_response);
  EXPECT_EQ(config->request.path.escaped_slashes, http::EscapedSlashes::kUnescapeAndForward);
  const std::vector<std::pair<std::string, bool>> upgrades = {{"websocket", true}, {"connect", false}};
  EXPECT_EQ(config->upgrades, upgrades);
  EXPECT_TRUE(config->h1.accept_http_10 && config->h1.enable_trailers);
  EXPECT_EQ(config->h1.default_host_for_http_10, "d");
  EXPECT_FALSE(config->h1.allow_absolute_url);
  EXPECT_EQ(config->idle_timeout, absl::Seconds(6));
  EXPECT_EQ(config->h1.limits.head_fields, 7u);
  EXPECT_EQ(config->max_connection_duration, absl::Seconds(8));
  EXPECT_EQ(config->max_stream_duration, absl::Seconds(9));
  EXPECT_EQ(config->h1.underscores, http::h1::UnderscoreAction::kDrop);
  EXPECT_EQ(config->max_requests_per_connection, 10u);
}

TEST_F(CompileTest, HonoursEveryOptionOfHttp2) {
  const auto* config = compile(R"(
    codec_type: HTTP2 max_request_headers_kb { value: 4 }
    common_http_protocol_options { max_headers_count { value: 7 } headers_with_underscores_action: REJECT_REQUEST }
    http2_protocol_options {
      hpack_table_size { value: 1 } max_concurrent_streams { value: 2 } initial_stream_window_size { value: 65536 }
      initial_connection_window_size { value: 65537 } allow_connect: true max_outbound_frames { value: 6 }
      max_outbound_control_frames { value: 5 } max_consecutive_inbound_frames_with_empty_payload { value: 8 }
      max_inbound_priority_frames_per_stream { value: 9 }
      max_inbound_window_update_frames_per_data_frame_sent { value: 10 }
      connection_keepalive { interval { seconds: 11 } timeout { seconds: 12 } interval_jitter { value: 13 } } })");
  ASSERT_NE(config, nullptr) << messages();
  EXPECT_EQ(messages(), "");
  EXPECT_EQ(config->protocol, proxy::DownstreamProtocol::kHttp2);
  const http::h2::H2Options& h2 = config->h2;
  EXPECT_EQ(h2.limits.head_bytes, 4096u);
  EXPECT_EQ(h2.limits.path_bytes, 4096u);
  EXPECT_EQ(h2.limits.head_fields, 7u);
  EXPECT_EQ(h2.underscores, http::UnderscoreAction::kReject);
  EXPECT_EQ(h2.hpack_table_bytes, 1u);
  EXPECT_EQ(h2.max_concurrent_streams, 2u);
  EXPECT_EQ(h2.initial_stream_window, 65536u);
  EXPECT_EQ(h2.initial_connection_window, 65537u);
  EXPECT_TRUE(h2.allow_connect);
  EXPECT_EQ(h2.budgets.outbound_frames, 5u);
  EXPECT_EQ(h2.budgets.empty.burst, 8u);
  EXPECT_EQ(h2.budgets.priority_per_stream, 9u);
  EXPECT_EQ(h2.budgets.window_update_per_data, 10u);
  ASSERT_TRUE(config->h2_keepalive.has_value());
  EXPECT_EQ(config->h2_keepalive->interval, absl::Seconds(11));
  EXPECT_EQ(config->h2_keepalive->timeout, absl::Seconds(12));
  EXPECT_EQ(config->h2_keepalive->jitter_percent, 13);
}

TEST_F(CompileTest, WarnsOfHttp2OptionsWithoutEffect) {
  ASSERT_NE(compile("codec_type: HTTP1 http2_protocol_options { connection_keepalive { timeout { seconds: 1 } "
                    "connection_idle_interval { seconds: 1 } } }"),
            nullptr);
  EXPECT_NE(messages().find("http2_protocol_options: has no effect: codec_type is HTTP1"), std::string::npos);
  EXPECT_NE(messages().find("connection_idle_interval: has no effect here"), std::string::npos) << messages();
}

TEST_F(CompileTest, TakesTheRouterByNameAloneAndItsOptions) {
  ASSERT_NE(compile("", "http_filters { name: 'envoy.filters.http.router' }"), nullptr) << messages();
  EXPECT_EQ(messages(),
            "http_filters[0]: \"envoy.filters.http.router\" has no typed_config; taken as an empty "
            "envoy.extensions.filters.http.router.v3.Router\n");
  const auto* config = compile("",
                               "http_filters { name: 'r' typed_config { "
                               "[type.googleapis.com/envoy.extensions.filters.http.router.v3.Router] "
                               "{ suppress_envoy_headers: true dynamic_stats { value: false } } } }");
  ASSERT_NE(config, nullptr);
  EXPECT_TRUE(config->suppress_envoy_headers);
  EXPECT_FALSE(config->counts_responses);
}

TEST_F(CompileTest, ChecksTheOrderAndTheTypesOfFilters) {
  struct Case {
    std::string filters;
    std::string_view error;
  };
  const Case cases[] = {
      {"", "http_filters: no filter; allowed: a list whose last filter is envoy.filters.http.router\n"},
      {kBuffer, "http_filters[0]: the last filter is \"buffer\"; allowed: only envoy.filters.http.router, "},
      {absl::StrCat(kRouter, kBuffer, kRouter), "http_filters[0]: \"router\" ends the chain, but filters follow it; "},
      {"http_filters { name: 'router' disabled: true typed_config { "
       "[type.googleapis.com/envoy.extensions.filters.http.router.v3.Router] {} } }",
       "http_filters[0].disabled: \"router\" ends the chain; allowed: false\n"},
      {absl::StrCat("http_filters { name: 'x' typed_config { type_url: 'a/google.protobuf.Empty' } }", kRouter),
       "http_filters[0].typed_config: google.protobuf.Empty is not an HTTP filter; allowed: envoy.extensions."},
      {absl::StrCat("http_filters { name: 'x' }", kRouter),
       "http_filters[0]: \"x\" has no typed_config; allowed: one of type envoy.extensions."},
      {absl::StrCat("http_filters { name: 'b' typed_config { "
                    "[type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer] {} } }",
                    kRouter),
       "http_filters[0].typed_config.max_request_bytes: 0; allowed: 1 or more\n"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(compile("", c.filters), nullptr) << c.filters;
    EXPECT_NE(messages().find(c.error), std::string::npos) << messages();
  }
}

TEST_F(CompileTest, WarnsOfAFilterNameThatStandsTwiceAndLeavesOptionalUnknownsOut) {
  const std::string optional =
      "http_filters { name: 'x' is_optional: true typed_config { type_url: 'a/google.protobuf.Empty' } }";
  const auto* config = compile("", absl::StrCat(kBuffer, kBuffer, optional, kRouter));
  ASSERT_NE(config, nullptr) << messages();
  EXPECT_EQ(config->filters->size(), 2u);
  EXPECT_NE(messages().find("http_filters[1].name: \"buffer\" stands twice; "), std::string::npos) << messages();
  EXPECT_NE(messages().find("http_filters[2]: left out: google.protobuf.Empty"), std::string::npos) << messages();
}

TEST_F(CompileTest, ReportsEveryErrorInOneRun) {
  HttpConnectionManager message;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      absl::StrCat("stat_prefix: 'p' codec_type: HTTP3 upgrade_configs { upgrade_type: 'a' } ",
                   "upgrade_configs { upgrade_type: 'A' } route_config { virtual_hosts { name: 'i' domains: 'i' ",
                   "routes { match { prefix: '/' } route { cluster: 'nowhere' } } } } http_filters { name: 'x' } ",
                   kRouter),
      &message));
  EXPECT_EQ(make(message), nullptr);
  const std::string all = messages();
  EXPECT_NE(all.find("codec_type: HTTP3 is not implemented by weir; allowed: AUTO, HTTP1, HTTP2\n"), std::string::npos)
      << all;
  EXPECT_NE(all.find("upgrade_configs[1].upgrade_type: \"a\" stands twice; "), std::string::npos) << all;
  EXPECT_NE(all.find("route.cluster: no such cluster"), std::string::npos) << all;
  EXPECT_EQ(diagnostics_.errors(), 4u) << all;
}

TEST_F(CompileTest, NeedsRoutes) {
  HttpConnectionManager message;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(absl::StrCat("stat_prefix: 'p' ", kRouter), &message));
  EXPECT_EQ(make(message), nullptr);
  EXPECT_NE(messages().find("no routes; allowed: route_config"), std::string::npos) << messages();
}

}  // namespace
}  // namespace weir::extensions::http_connection_manager
