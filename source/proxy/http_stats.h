// HttpStats: the counters of one HTTP connection manager ("http.<stat prefix>."), resolved to ids at load. Http2Stats:
// those of what clients do over HTTP/2 ("http2."), which all connection managers share. Plain values, shared by
// workers.
#pragma once

#include <array>
#include <string_view>

#include "source/http/h2/error_counters.h"
#include "source/stats/stats.h"

namespace weir::proxy {

// Named as Envoy's where it counts the same.
struct Http2Stats {
  static Http2Stats make(stats::Registry& registry);

  stats::GaugeId streams_active;
  stats::CounterId rx_reset, tx_reset;  // streams that the client or weir reset
  // Requests that never became a stream: a head above its limits, or one that is not valid.
  stats::CounterId header_overflow, rx_messaging_error;
  stats::CounterId goaway_sent;        // connections to which it was said
  stats::CounterId keepalive_timeout;  // connections whose client gave no sign of life
  stats::CounterId tx_flush_timeout;   // times that finished responses were not taken in time
  http::h2::ErrorCounters errors;
};

struct HttpStats {
  static HttpStats make(stats::Registry& registry, std::string_view stat_prefix);

  // Connections; "downstream_" stands before all names but those of the last group.
  stats::CounterId cx_total, cx_http1_total, cx_http2_total, cx_destroy, cx_destroy_with_active_rq;
  stats::CounterId cx_idle_timeout, cx_max_duration_reached, cx_max_requests_reached, cx_drain_close;
  stats::CounterId cx_delayed_close_timeout;
  stats::CounterId cx_protocol_error, cx_rx_bytes_total, cx_tx_bytes_total;
  stats::GaugeId cx_active, cx_http1_active, cx_http2_active;
  stats::HistogramId cx_length_ms;
  // Requests.
  stats::CounterId rq_total, rq_http1_total, rq_http2_total, rq_completed, rq_rx_reset, rq_tx_reset;
  stats::CounterId rq_idle_timeout, rq_timeout, rq_header_timeout, rq_max_duration_reached;
  stats::CounterId rq_too_large, rq_overload_close, rq_path_refused, rq_missing_host, rq_upgrade_refused;
  stats::CounterId rq_response_before_rq_complete;
  std::array<stats::CounterId, 5> rq_status;  // 1xx to 5xx
  stats::GaugeId rq_active;
  stats::HistogramId rq_time;
  // The router; without "downstream_".
  stats::CounterId no_route, no_cluster, rq_forwarded, rq_redirect, rq_direct_response;
  stats::CounterId rq_reset_after_downstream_response_started;

  Http2Stats http2;
};

}  // namespace weir::proxy
