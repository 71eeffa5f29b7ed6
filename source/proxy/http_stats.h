// HttpStats: the counters of one HTTP connection manager ("http.<stat prefix>."), resolved to ids at load. A plain
// value, shared by workers.
#pragma once

#include <array>
#include <string_view>

#include "source/stats/stats.h"

namespace weir::proxy {

struct HttpStats {
  static HttpStats make(stats::Registry& registry, std::string_view stat_prefix);

  // Connections; "downstream_" stands before all names but those of the last group.
  stats::CounterId cx_total, cx_http1_total, cx_destroy, cx_destroy_with_active_rq;
  stats::CounterId cx_idle_timeout, cx_max_duration_reached, cx_max_requests_reached, cx_drain_close;
  stats::CounterId cx_protocol_error, cx_rx_bytes_total, cx_tx_bytes_total;
  stats::GaugeId cx_active;
  stats::HistogramId cx_length_ms;
  // Requests.
  stats::CounterId rq_total, rq_http1_total, rq_completed, rq_rx_reset, rq_tx_reset;
  stats::CounterId rq_idle_timeout, rq_timeout, rq_header_timeout, rq_max_duration_reached;
  stats::CounterId rq_too_large, rq_overload_close, rq_path_refused, rq_missing_host, rq_upgrade_refused;
  stats::CounterId rq_response_before_rq_complete;
  std::array<stats::CounterId, 5> rq_status;  // 1xx to 5xx
  stats::GaugeId rq_active;
  stats::HistogramId rq_time;
  // The router; without "downstream_".
  stats::CounterId no_route, no_cluster, rq_forwarded, rq_redirect, rq_direct_response;
  stats::CounterId rq_reset_after_downstream_response_started;
};

}  // namespace weir::proxy
