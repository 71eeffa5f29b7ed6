#include "source/extensions/clusters/compile_health.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/core/v3/health_check.pb.h"
#include "envoy/extensions/health_check/event_sinks/file/v3/file.pb.h"
#include "source/extensions/messages/duration.h"
#include "source/extensions/messages/unpack_any.h"

namespace weir::extensions {
namespace {

namespace cluster_v3 = envoy::config::cluster::v3;
namespace core_v3 = envoy::config::core::v3;
namespace health = upstream::health;
using base::Diagnostics;
using base::FieldPath;
using core_v3::HealthCheck;
using FileSink = envoy::extensions::health_check::event_sinks::file::v3::HealthCheckEventFileSink;

// Hosts that fail together do not come back together, unless it is said so: this part of their time they may stay away
// longer.
constexpr double kUsualJitter = 0.1;

std::string payloadOf(const HealthCheck::Payload& from, Diagnostics& diagnostics, const FieldPath& path) {
  if (from.has_binary()) return from.binary();
  const std::string& text = from.text();
  const bool hex = text.size() % 2 == 0 && text.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
  if (hex) return absl::HexStringToBytes(text);
  diagnostics.error(path.at("text"), absl::StrCat("\"", text, "\" is not hexadecimal; allowed: pairs of the digits 0 ",
                                                  "to 9 and a to f, or `binary`"));
  return {};
}

template <typename List>
std::vector<std::string> payloadsOf(const List& from, Diagnostics& diagnostics, const FieldPath& path) {
  std::vector<std::string> all;
  for (int i = 0; i < from.size(); ++i) {
    all.push_back(payloadOf(from[i], diagnostics, path.at("receive", static_cast<size_t>(i))));
  }
  return all;
}

template <typename List>
std::vector<health::StatusRange> rangesOf(const List& from, const char* field, Diagnostics& diagnostics,
                                          const FieldPath& path) {
  std::vector<health::StatusRange> all;
  for (int i = 0; i < from.size(); ++i) {
    const int64_t start = from[i].start();
    const int64_t end = from[i].end();
    if (start < 100 || end > 600 || start >= end) {
      diagnostics.error(path.at(field, static_cast<size_t>(i)),
                        absl::StrCat("[", start, ", ", end, ") is no range of statuses; allowed: start from 100, end ",
                                     "above it and up to 600"));
      continue;
    }
    all.push_back({static_cast<uint16_t>(start), static_cast<uint16_t>(end)});
  }
  return all;
}

template <typename List>
std::vector<std::pair<std::string, std::string>> headersOf(const List& from) {
  std::vector<std::pair<std::string, std::string>> all;
  for (const core_v3::HeaderValueOption& option : from) {
    all.emplace_back(absl::AsciiStrToLower(option.header().key()), option.header().value());
  }
  return all;
}

health::HttpCheck compileHttp(const HealthCheck::HttpHealthCheck& from, Diagnostics& diagnostics,
                              const FieldPath& path) {
  health::HttpCheck to;
  to.host = from.host();
  to.path = from.path();
  if (to.path.front() != '/') {
    diagnostics.error(path.at("path"), absl::StrCat("\"", to.path, "\" is no path; allowed: one that begins with /"));
  }
  if (from.method() != core_v3::METHOD_UNSPECIFIED) to.method = core_v3::RequestMethod_Name(from.method());
  to.headers = headersOf(from.request_headers_to_add());
  if (from.has_send()) {
    to.send = payloadOf(from.send(), diagnostics, path.at("send"));
    const auto method = from.method();
    if (method != core_v3::POST && method != core_v3::PUT && method != core_v3::PATCH && method != core_v3::OPTIONS) {
      diagnostics.error(path.at("send"),
                        absl::StrCat("a body with method ", to.method, "; allowed: with POST, PUT, PATCH, OPTIONS"));
    }
  }
  if (from.expected_statuses_size() > 0) {
    to.expected = rangesOf(from.expected_statuses(), "expected_statuses", diagnostics, path);
  }
  to.retriable = rangesOf(from.retriable_statuses(), "retriable_statuses", diagnostics, path);
  to.receive = payloadsOf(from.receive(), diagnostics, path);
  if (from.has_response_buffer_size() && from.response_buffer_size().value() > 0) {
    to.body_bytes = std::min<uint64_t>(from.response_buffer_size().value(), 1 << 20);
  }
  if (from.codec_client_type() == envoy::type::v3::HTTP2) to.version = http::Version::kHttp2;
  if (from.codec_client_type() == envoy::type::v3::HTTP3) {
    diagnostics.error(path.at("codec_client_type"), "HTTP3 is not implemented by weir; allowed: HTTP1, HTTP2");
  }
  return to;
}

void compileIntervals(const HealthCheck& from, health::CheckConfig& to) {
  to.timeout = durationOf(from.timeout());
  to.interval = durationOf(from.interval());
  if (from.has_no_traffic_interval()) to.no_traffic_interval = durationOf(from.no_traffic_interval());
  const auto set = [](bool has, const google::protobuf::Duration& value, std::optional<absl::Duration>& out) {
    if (has) out = durationOf(value);
  };
  set(from.has_no_traffic_healthy_interval(), from.no_traffic_healthy_interval(), to.no_traffic_healthy_interval);
  set(from.has_unhealthy_interval(), from.unhealthy_interval(), to.unhealthy_interval);
  set(from.has_unhealthy_edge_interval(), from.unhealthy_edge_interval(), to.unhealthy_edge_interval);
  set(from.has_healthy_edge_interval(), from.healthy_edge_interval(), to.healthy_edge_interval);
  to.initial_jitter = durationOf(from.initial_jitter());
  to.interval_jitter = durationOf(from.interval_jitter());
  to.interval_jitter_percent = from.interval_jitter_percent();
}

void compileKind(const HealthCheck& from, health::CheckConfig& to, Diagnostics& diagnostics, const FieldPath& path) {
  switch (from.health_checker_case()) {
    case HealthCheck::kHttpHealthCheck:
      to.kind = compileHttp(from.http_health_check(), diagnostics, path.at("http_health_check"));
      break;
    case HealthCheck::kTcpHealthCheck: {
      health::TcpCheck& check = to.kind.emplace<health::TcpCheck>();
      const FieldPath where = path.at("tcp_health_check");
      if (from.tcp_health_check().has_send()) {
        check.send = payloadOf(from.tcp_health_check().send(), diagnostics, where.at("send"));
      }
      check.receive = payloadsOf(from.tcp_health_check().receive(), diagnostics, where);
      break;
    }
    case HealthCheck::kGrpcHealthCheck: {
      health::GrpcCheck& check = to.kind.emplace<health::GrpcCheck>();
      check.service = from.grpc_health_check().service_name();
      check.authority = from.grpc_health_check().authority();
      check.metadata = headersOf(from.grpc_health_check().initial_metadata());
      break;
    }
    case HealthCheck::HEALTH_CHECKER_NOT_SET:
      break;
  }
}

void compileEventLog(const core_v3::TypedExtensionConfig& from, health::CheckConfig& to, Diagnostics& diagnostics,
                     const FieldPath& path) {
  const FieldPath at = path.at("typed_config");
  const auto unpacked = unpackAny(from.typed_config(), diagnostics, at);
  if (unpacked == nullptr) return;
  const auto* const file = google::protobuf::DynamicCastToGenerated<const FileSink>(unpacked.get());
  if (file == nullptr) {
    diagnostics.error(at, absl::StrCat("is a ", unpacked->GetDescriptor()->full_name(),
                                       "; allowed: ", FileSink::descriptor()->full_name()));
  } else {
    to.event_logs.push_back(file->event_log_path());
  }
}

std::shared_ptr<const health::CheckConfig> compileCheck(const HealthCheck& from, Diagnostics& diagnostics,
                                                        const FieldPath& path) {
  auto to = std::make_shared<health::CheckConfig>();
  compileIntervals(from, *to);
  compileKind(from, *to, diagnostics, path);
  to->unhealthy_threshold = from.unhealthy_threshold().value();
  to->healthy_threshold = from.healthy_threshold().value();
  if (from.has_reuse_connection()) to->reuse_connection = from.reuse_connection().value();
  if (from.has_alt_port()) {
    if (from.alt_port().value() == 0 || from.alt_port().value() > 65535) {
      diagnostics.error(path.at("alt_port"), absl::StrCat("port ", from.alt_port().value(), "; allowed: 1 to 65535"));
    }
    to->port = static_cast<uint16_t>(from.alt_port().value());
  }
  to->log_every_failure = from.always_log_health_check_failures();
  to->log_every_success = from.always_log_health_check_success();
  if (!from.event_log_path().empty()) to->event_logs.push_back(from.event_log_path());
  for (int i = 0; i < from.event_logger_size(); ++i) {
    compileEventLog(from.event_logger(i), *to, diagnostics, path.at("event_logger", static_cast<size_t>(i)));
  }
  return to;
}

template <typename Value>
void setIf(bool has, const Value& wrapper, uint32_t& to) {
  if (has) to = wrapper.value();
}

void compileConsecutive(const cluster_v3::OutlierDetection& from, health::OutlierConfig& to) {
  setIf(from.has_consecutive_5xx(), from.consecutive_5xx(), to.errors.threshold);
  setIf(from.has_enforcing_consecutive_5xx(), from.enforcing_consecutive_5xx(), to.errors.enforcing);
  setIf(from.has_consecutive_gateway_failure(), from.consecutive_gateway_failure(), to.gateway.threshold);
  setIf(from.has_enforcing_consecutive_gateway_failure(), from.enforcing_consecutive_gateway_failure(),
        to.gateway.enforcing);
  setIf(from.has_consecutive_local_origin_failure(), from.consecutive_local_origin_failure(),
        to.local_origin.threshold);
  setIf(from.has_enforcing_consecutive_local_origin_failure(), from.enforcing_consecutive_local_origin_failure(),
        to.local_origin.enforcing);
}

void compileRates(const cluster_v3::OutlierDetection& from, health::OutlierConfig& to) {
  setIf(from.has_success_rate_minimum_hosts(), from.success_rate_minimum_hosts(), to.success_rate_minimum_hosts);
  setIf(from.has_success_rate_request_volume(), from.success_rate_request_volume(), to.success_rate_request_volume);
  if (from.has_success_rate_stdev_factor()) {
    to.success_rate_stdev_factor = from.success_rate_stdev_factor().value() / 1000.0;
  }
  setIf(from.has_enforcing_success_rate(), from.enforcing_success_rate(), to.enforcing_success_rate);
  setIf(from.has_enforcing_local_origin_success_rate(), from.enforcing_local_origin_success_rate(),
        to.enforcing_local_origin_success_rate);
  setIf(from.has_failure_percentage_threshold(), from.failure_percentage_threshold(), to.failure_percentage_threshold);
  setIf(from.has_failure_percentage_minimum_hosts(), from.failure_percentage_minimum_hosts(),
        to.failure_percentage_minimum_hosts);
  setIf(from.has_failure_percentage_request_volume(), from.failure_percentage_request_volume(),
        to.failure_percentage_request_volume);
  setIf(from.has_enforcing_failure_percentage(), from.enforcing_failure_percentage(), to.enforcing_failure_percentage);
  setIf(from.has_enforcing_failure_percentage_local_origin(), from.enforcing_failure_percentage_local_origin(),
        to.enforcing_failure_percentage_local_origin);
}

std::shared_ptr<const health::OutlierConfig> compileOutliers(const cluster_v3::OutlierDetection& from) {
  auto to = std::make_shared<health::OutlierConfig>();
  if (from.has_interval()) to->interval = durationOf(from.interval());
  if (from.has_base_ejection_time()) to->base_ejection_time = durationOf(from.base_ejection_time());
  if (from.has_max_ejection_time()) to->max_ejection_time = durationOf(from.max_ejection_time());
  to->max_ejection_time_jitter = from.has_max_ejection_time_jitter() ? durationOf(from.max_ejection_time_jitter())
                                                                     : to->base_ejection_time * kUsualJitter;
  setIf(from.has_max_ejection_percent(), from.max_ejection_percent(), to->max_ejection_percent);
  to->always_eject_one_host = from.always_eject_one_host().value();
  to->split_local_origin = from.split_external_local_origin_errors();
  if (from.has_successful_active_health_check_uneject_host()) {
    to->check_unejects = from.successful_active_health_check_uneject_host().value();
  }
  compileConsecutive(from, *to);
  compileRates(from, *to);
  return to;
}

}  // namespace

health::ClusterHealth compileHealth(const cluster_v3::Cluster& message, Diagnostics& diagnostics,
                                    const FieldPath& path) {
  health::ClusterHealth to;
  for (int i = 0; i < message.health_checks_size(); ++i) {
    to.checks.push_back(
        compileCheck(message.health_checks(i), diagnostics, path.at("health_checks", static_cast<size_t>(i))));
  }
  if (message.has_outlier_detection()) to.outliers = compileOutliers(message.outlier_detection());
  return to;
}

}  // namespace weir::extensions
