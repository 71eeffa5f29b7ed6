// What a cluster says about the health of its hosts: active checks and outlier detection. Plain values, compiled at
// load from HealthCheck and OutlierDetection, const afterwards. The defaults are those of the xDS API.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "source/http/head.h"

namespace weir::upstream::health {

// A half-open range of statuses.
struct StatusRange {
  uint16_t from;
  uint16_t to;
  bool contains(uint16_t status) const { return status >= from && status < to; }
};

struct HttpCheck {
  std::string host;  // empty: the endpoint's own hostname, or the cluster's name
  std::string path;
  std::string method = "GET";
  std::vector<std::pair<std::string, std::string>> headers;  // lower case names
  std::string send = {};                                     // the body; empty: none
  std::vector<StatusRange> expected = {{200, 201}};
  std::vector<StatusRange> retriable;
  std::vector<std::string> receive;  // each must be in the body, behind the one before
  size_t body_bytes = 1024;          // of the body are looked at
  http::Version version = http::Version::kHttp11;
};

struct GrpcCheck {
  std::string service;    // empty: the server as a whole
  std::string authority;  // empty: the cluster's name
  std::vector<std::pair<std::string, std::string>> metadata;
};

struct TcpCheck {
  std::string send;  // empty: nothing
  std::vector<std::string> receive;
};

struct CheckConfig {
  std::variant<HttpCheck, GrpcCheck, TcpCheck> kind;
  absl::Duration timeout = absl::Seconds(1);
  absl::Duration interval = absl::Seconds(10);
  // In place of `interval`: while no request ever went to the cluster, and of these while the host is healthy; while
  // the host is unhealthy; after the first check that fails on a healthy host, and the first that passes on another.
  absl::Duration no_traffic_interval = absl::Seconds(60);
  std::optional<absl::Duration> no_traffic_healthy_interval;
  std::optional<absl::Duration> unhealthy_interval;
  std::optional<absl::Duration> unhealthy_edge_interval;
  std::optional<absl::Duration> healthy_edge_interval;
  absl::Duration initial_jitter = absl::ZeroDuration();
  absl::Duration interval_jitter = absl::ZeroDuration();
  uint32_t interval_jitter_percent = 0;
  uint32_t unhealthy_threshold = 1;
  uint32_t healthy_threshold = 1;
  bool reuse_connection = true;
  std::optional<uint16_t> port;  // in place of the endpoint's
  bool log_every_failure = false;
  bool log_every_success = false;
  std::vector<std::string> event_logs;  // files
};

struct OutlierConfig {
  absl::Duration interval = absl::Seconds(10);
  absl::Duration base_ejection_time = absl::Seconds(30);
  absl::Duration max_ejection_time = absl::Seconds(300);
  absl::Duration max_ejection_time_jitter = absl::ZeroDuration();
  uint32_t max_ejection_percent = 10;
  bool always_eject_one_host = false;
  bool split_local_origin = false;
  bool check_unejects = true;  // an active check that passes ends the ejection

  // Consecutive failures, and the percentage of the times at which a host is really ejected then; 0: counted only.
  struct Consecutive {
    uint32_t threshold = 5;
    uint32_t enforcing = 100;
  };
  Consecutive errors = {5, 100};        // 5xx; without the split, what failed before there was an answer too
  Consecutive gateway = {5, 0};         // 502, 503, 504
  Consecutive local_origin = {5, 100};  // only with the split

  // Success rates: below mean - factor * standard deviation.
  uint32_t success_rate_minimum_hosts = 5;
  uint32_t success_rate_request_volume = 100;
  double success_rate_stdev_factor = 1.9;
  uint32_t enforcing_success_rate = 100;
  uint32_t enforcing_local_origin_success_rate = 100;

  uint32_t failure_percentage_threshold = 85;
  uint32_t failure_percentage_minimum_hosts = 5;
  uint32_t failure_percentage_request_volume = 50;
  uint32_t enforcing_failure_percentage = 0;
  uint32_t enforcing_failure_percentage_local_origin = 0;
};

struct ClusterHealth {
  std::vector<std::shared_ptr<const CheckConfig>> checks;  // active ones
  std::shared_ptr<const OutlierConfig> outliers;           // null: no outlier detection
};

}  // namespace weir::upstream::health
