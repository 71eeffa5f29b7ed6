#include "source/extensions/clusters/compile_health.h"

#include <google/protobuf/text_format.h>

#include <string>
#include <variant>
#include <vector>

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/extensions/health_check/event_sinks/file/v3/file.pb.h"
#include "gtest/gtest.h"

namespace weir::extensions {
namespace {

namespace health = upstream::health;

struct Compiled {
  health::ClusterHealth config;
  std::vector<base::Diagnostic> all;
};

Compiled compile(const std::string& text) {
  envoy::extensions::health_check::event_sinks::file::v3::HealthCheckEventFileSink::descriptor();
  envoy::config::cluster::v3::Cluster message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  base::Diagnostics diagnostics;
  Compiled result;
  result.config = compileHealth(message, diagnostics, base::FieldPath());
  result.all = diagnostics.all();
  return result;
}

std::string check(const std::string& rest) {
  return "health_checks { timeout { seconds: 2 } interval { seconds: 5 } unhealthy_threshold { value: 3 } "
         "healthy_threshold { value: 2 } " +
         rest + " }";
}

std::string errorOf(const std::string& text) {
  const Compiled result = compile(text);
  return result.all.size() == 1 ? result.all[0].path + ": " + result.all[0].message
                                : std::to_string(result.all.size()) + " diagnostics";
}

TEST(CompileHealthTest, AClusterThatSaysNothingHasNone) {
  const Compiled result = compile("name: 'c'");
  EXPECT_TRUE(result.config.checks.empty());
  EXPECT_EQ(result.config.outliers, nullptr);
}

TEST(CompileHealthTest, EventsGoToEveryFileThatIsNamed) {
  const std::string sink =
      "[type.googleapis.com/envoy.extensions.health_check.event_sinks.file.v3."
      "HealthCheckEventFileSink]";
  const Compiled result = compile(check("tcp_health_check {} event_log_path: '/a' event_logger { typed_config { " +
                                        sink + " { event_log_path: '/b' } } }"));
  EXPECT_TRUE(result.all.empty());
  EXPECT_EQ(result.config.checks[0]->event_logs, (std::vector<std::string>{"/a", "/b"}));
  EXPECT_EQ(errorOf(check("tcp_health_check {} event_logger { typed_config { "
                          "[type.googleapis.com/envoy.config.cluster.v3.Cluster] { name: 'x' } } }")),
            "health_checks[0].event_logger[0].typed_config: is a envoy.config.cluster.v3.Cluster; allowed: "
            "envoy.extensions.health_check.event_sinks.file.v3.HealthCheckEventFileSink");
}

TEST(CompileHealthTest, AnHttpCheck) {
  const Compiled result = compile(check(
      "http_health_check { host: 'h' path: '/ok' method: HEAD codec_client_type: HTTP2 receive { text: '6f6b' } "
      "request_headers_to_add { header { key: 'X-A' value: '1' } } expected_statuses { start: 200 end: 300 } "
      "retriable_statuses { start: 503 end: 504 } response_buffer_size { value: 10 } } "
      "interval_jitter { seconds: 1 } interval_jitter_percent: 7 initial_jitter { seconds: 3 } alt_port { value: 81 } "
      "reuse_connection { value: false } no_traffic_interval { seconds: 20 } unhealthy_interval { seconds: 6 } "
      "unhealthy_edge_interval { seconds: 7 } healthy_edge_interval { seconds: 8 } event_log_path: '/tmp/e' "
      "no_traffic_healthy_interval { seconds: 21 } always_log_health_check_failures: true "
      "always_log_health_check_success: true"));
  EXPECT_TRUE(result.all.empty());
  ASSERT_EQ(result.config.checks.size(), 1u);
  const health::CheckConfig& to = *result.config.checks[0];
  EXPECT_EQ(to.timeout, absl::Seconds(2));
  EXPECT_EQ(to.interval, absl::Seconds(5));
  EXPECT_EQ(to.unhealthy_threshold, 3u);
  EXPECT_EQ(to.healthy_threshold, 2u);
  EXPECT_EQ(to.interval_jitter, absl::Seconds(1));
  EXPECT_EQ(to.interval_jitter_percent, 7u);
  EXPECT_EQ(to.initial_jitter, absl::Seconds(3));
  EXPECT_EQ(to.port, 81);
  EXPECT_FALSE(to.reuse_connection);
  EXPECT_EQ(to.no_traffic_interval, absl::Seconds(20));
  EXPECT_EQ(to.no_traffic_healthy_interval, absl::Seconds(21));
  EXPECT_EQ(to.unhealthy_interval, absl::Seconds(6));
  EXPECT_EQ(to.unhealthy_edge_interval, absl::Seconds(7));
  EXPECT_EQ(to.healthy_edge_interval, absl::Seconds(8));
  EXPECT_EQ(to.event_logs, std::vector<std::string>{"/tmp/e"});
  EXPECT_TRUE(to.log_every_failure);
  EXPECT_TRUE(to.log_every_success);
  const auto& http = std::get<health::HttpCheck>(to.kind);
  EXPECT_EQ(http.host, "h");
  EXPECT_EQ(http.path, "/ok");
  EXPECT_EQ(http.method, "HEAD");
  EXPECT_EQ(http.version, http::Version::kHttp2);
  EXPECT_EQ(http.receive, std::vector<std::string>{"ok"});
  EXPECT_EQ(http.headers.at(0).first, "x-a");
  EXPECT_TRUE(http.expected.at(0).contains(299));
  EXPECT_FALSE(http.expected.at(0).contains(300));
  EXPECT_TRUE(http.retriable.at(0).contains(503));
  EXPECT_EQ(http.body_bytes, 10u);
}

TEST(CompileHealthTest, ABodyGoesWithMethodsThatHaveOne) {
  const std::string send = "http_health_check { path: '/' send { text: '6f6b' } method: ";
  for (const char* const method : {"POST", "PUT", "PATCH", "OPTIONS"}) {
    const Compiled result = compile(check(send + std::string(method) + " }"));
    ASSERT_TRUE(result.all.empty()) << result.all[0].message;
    EXPECT_EQ(std::get<health::HttpCheck>(result.config.checks[0]->kind).send, "ok");
  }
  EXPECT_EQ(errorOf(check(send + "DELETE }")),
            "health_checks[0].http_health_check.send: a body with method DELETE; allowed: with POST, PUT, PATCH, "
            "OPTIONS");
}

TEST(CompileHealthTest, TcpAndGrpcChecks) {
  const Compiled tcp = compile(check("tcp_health_check { send { binary: 'ping' } receive { text: '706f6e67' } }"));
  const auto& bytes = std::get<health::TcpCheck>(tcp.config.checks.at(0)->kind);
  EXPECT_EQ(bytes.send, "ping");
  EXPECT_EQ(bytes.receive, std::vector<std::string>{"pong"});
  const Compiled grpc = compile(check(
      "grpc_health_check { service_name: 's' authority: 'a' initial_metadata { header { key: 'k' value: 'v' } } }"));
  const auto& service = std::get<health::GrpcCheck>(grpc.config.checks.at(0)->kind);
  EXPECT_EQ(service.service, "s");
  EXPECT_EQ(service.authority, "a");
  EXPECT_EQ(service.metadata.at(0).second, "v");
}

TEST(CompileHealthTest, ErrorsNameTheFieldAndWhatIsAllowed) {
  EXPECT_EQ(errorOf(check("http_health_check { path: 'ok' }")),
            "health_checks[0].http_health_check.path: \"ok\" is no path; allowed: one that begins with /");
  EXPECT_EQ(
      errorOf(check("http_health_check { path: '/' expected_statuses { start: 300 end: 200 } }")),
      "health_checks[0].http_health_check.expected_statuses[0]: [300, 200) is no range of statuses; allowed: start "
      "from 100, end above it and up to 600");
  EXPECT_EQ(errorOf(check("http_health_check { path: '/' codec_client_type: HTTP3 }")),
            "health_checks[0].http_health_check.codec_client_type: HTTP3 is not implemented by weir; allowed: HTTP1, "
            "HTTP2");
  EXPECT_EQ(errorOf(check("tcp_health_check { send { text: 'ping' } }")),
            "health_checks[0].tcp_health_check.send.text: \"ping\" is not hexadecimal; allowed: pairs of the digits 0 "
            "to 9 and a to f, or `binary`");
  EXPECT_EQ(errorOf(check("tcp_health_check { } alt_port { value: 70000 }")),
            "health_checks[0].alt_port: port 70000; allowed: 1 to 65535");
}

TEST(CompileHealthTest, EjectionsDoNotEndTogetherUnlessItIsSaidSo) {
  EXPECT_EQ(
      compile("outlier_detection { base_ejection_time { seconds: 20 } }").config.outliers->max_ejection_time_jitter,
      absl::Seconds(2));
  EXPECT_EQ(compile("outlier_detection { max_ejection_time_jitter {} }").config.outliers->max_ejection_time_jitter,
            absl::ZeroDuration());
}

TEST(CompileHealthTest, OutlierDetectionHasTheDefaultsOfTheApi) {
  const Compiled result = compile("outlier_detection { }");
  ASSERT_NE(result.config.outliers, nullptr);
  const health::OutlierConfig& to = *result.config.outliers;
  EXPECT_EQ(to.errors.threshold, 5u);
  EXPECT_EQ(to.errors.enforcing, 100u);
  EXPECT_EQ(to.gateway.threshold, 5u);
  EXPECT_EQ(to.gateway.enforcing, 0u);
  EXPECT_EQ(to.interval, absl::Seconds(10));
  EXPECT_EQ(to.base_ejection_time, absl::Seconds(30));
  EXPECT_EQ(to.max_ejection_time, absl::Seconds(300));
  EXPECT_EQ(to.max_ejection_percent, 10u);
  EXPECT_EQ(to.enforcing_failure_percentage, 0u);
  EXPECT_DOUBLE_EQ(to.success_rate_stdev_factor, 1.9);
  EXPECT_TRUE(to.check_unejects);
}

TEST(CompileHealthTest, OutlierDetectionTakesEveryField) {
  const Compiled result = compile(
      "outlier_detection { consecutive_5xx { value: 1 } interval { seconds: 2 } base_ejection_time { seconds: 3 } "
      "max_ejection_percent { value: 4 } enforcing_consecutive_5xx { value: 5 } enforcing_success_rate { value: 6 } "
      "success_rate_minimum_hosts { value: 7 } success_rate_request_volume { value: 8 } "
      "success_rate_stdev_factor { value: 900 } consecutive_gateway_failure { value: 10 } "
      "enforcing_consecutive_gateway_failure { value: 11 } split_external_local_origin_errors: true "
      "consecutive_local_origin_failure { value: 13 } enforcing_consecutive_local_origin_failure { value: 14 } "
      "enforcing_local_origin_success_rate { value: 15 } failure_percentage_threshold { value: 16 } "
      "enforcing_failure_percentage { value: 17 } enforcing_failure_percentage_local_origin { value: 18 } "
      "failure_percentage_minimum_hosts { value: 19 } failure_percentage_request_volume { value: 20 } "
      "max_ejection_time { seconds: 21 } max_ejection_time_jitter { seconds: 22 } "
      "successful_active_health_check_uneject_host { value: false } always_eject_one_host { value: true } }");
  const health::OutlierConfig& to = *result.config.outliers;
  EXPECT_EQ(to.errors.threshold, 1u);
  EXPECT_EQ(to.interval, absl::Seconds(2));
  EXPECT_EQ(to.base_ejection_time, absl::Seconds(3));
  EXPECT_EQ(to.max_ejection_percent, 4u);
  EXPECT_EQ(to.errors.enforcing, 5u);
  EXPECT_EQ(to.enforcing_success_rate, 6u);
  EXPECT_EQ(to.success_rate_minimum_hosts, 7u);
  EXPECT_EQ(to.success_rate_request_volume, 8u);
  EXPECT_DOUBLE_EQ(to.success_rate_stdev_factor, 0.9);
  EXPECT_EQ(to.gateway.threshold, 10u);
  EXPECT_EQ(to.gateway.enforcing, 11u);
  EXPECT_TRUE(to.split_local_origin);
  EXPECT_EQ(to.local_origin.threshold, 13u);
  EXPECT_EQ(to.local_origin.enforcing, 14u);
  EXPECT_EQ(to.enforcing_local_origin_success_rate, 15u);
  EXPECT_EQ(to.failure_percentage_threshold, 16u);
  EXPECT_EQ(to.enforcing_failure_percentage, 17u);
  EXPECT_EQ(to.enforcing_failure_percentage_local_origin, 18u);
  EXPECT_EQ(to.failure_percentage_minimum_hosts, 19u);
  EXPECT_EQ(to.failure_percentage_request_volume, 20u);
  EXPECT_EQ(to.max_ejection_time, absl::Seconds(21));
  EXPECT_EQ(to.max_ejection_time_jitter, absl::Seconds(22));
  EXPECT_FALSE(to.check_unejects);
  EXPECT_TRUE(to.always_eject_one_host);
}

}  // namespace
}  // namespace weir::extensions
