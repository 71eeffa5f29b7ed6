#include "source/proxy/http_stats.h"

#include <string>

namespace weir::proxy {
namespace {

struct Maker {
  stats::Registry& registry;
  std::string_view prefix;
  stats::CounterId operator()(std::string_view metric) const { return registry.counter({"http", prefix, metric}); }
};

void makeRequests(HttpStats& stats, const Maker& counter) {
  stats.rq_total = counter("downstream_rq_total");
  stats.rq_http1_total = counter("downstream_rq_http1_total");
  stats.rq_http2_total = counter("downstream_rq_http2_total");
  stats.rq_completed = counter("downstream_rq_completed");
  stats.rq_rx_reset = counter("downstream_rq_rx_reset");
  stats.rq_tx_reset = counter("downstream_rq_tx_reset");
  stats.rq_idle_timeout = counter("downstream_rq_idle_timeout");
  stats.rq_timeout = counter("downstream_rq_timeout");
  stats.rq_header_timeout = counter("downstream_rq_header_timeout");
  stats.rq_max_duration_reached = counter("downstream_rq_max_duration_reached");
  stats.rq_too_large = counter("downstream_rq_too_large");
  stats.rq_overload_close = counter("downstream_rq_overload_close");
  stats.rq_path_refused = counter("downstream_rq_path_refused");
  stats.rq_missing_host = counter("downstream_rq_missing_host");
  stats.rq_upgrade_refused = counter("downstream_rq_ws_on_non_ws_route");
  stats.rq_response_before_rq_complete = counter("downstream_rq_response_before_rq_complete");
  for (size_t i = 0; i < stats.rq_status.size(); ++i) {
    const std::string digit = std::to_string(i + 1);
    const std::string metric = "downstream_rq_" + digit + "xx";
    stats.rq_status[i] = counter.registry.counter({"http", counter.prefix, metric, "envoy_response_code_class", digit});
  }
  stats.rq_active = counter.registry.gauge({"http", counter.prefix, "downstream_rq_active"});
  stats.rq_time = counter.registry.histogram({"http", counter.prefix, "downstream_rq_time"});
}

}  // namespace

Http2Stats Http2Stats::make(stats::Registry& registry) {
  const auto counter = [&](std::string_view metric) { return registry.counter({"http2", "", metric}); };
  Http2Stats stats;
  stats.streams_active = registry.gauge({"http2", "", "streams_active"});
  stats.rx_reset = counter("rx_reset");
  stats.tx_reset = counter("tx_reset");
  stats.header_overflow = counter("header_overflow");
  stats.rx_messaging_error = counter("rx_messaging_error");
  stats.goaway_sent = counter("goaway_sent");
  stats.keepalive_timeout = counter("keepalive_timeout");
  stats.tx_flush_timeout = counter("tx_flush_timeout");
  stats.errors = http::h2::ErrorCounters::make(counter);
  return stats;
}

HttpStats HttpStats::make(stats::Registry& registry, std::string_view stat_prefix) {
  const Maker counter{registry, stat_prefix};
  HttpStats stats;
  stats.cx_total = counter("downstream_cx_total");
  stats.cx_http1_total = counter("downstream_cx_http1_total");
  stats.cx_http2_total = counter("downstream_cx_http2_total");
  stats.cx_destroy = counter("downstream_cx_destroy");
  stats.cx_destroy_with_active_rq = counter("downstream_cx_destroy_active_rq");
  stats.cx_idle_timeout = counter("downstream_cx_idle_timeout");
  stats.cx_max_duration_reached = counter("downstream_cx_max_duration_reached");
  stats.cx_max_requests_reached = counter("downstream_cx_max_requests_reached");
  stats.cx_drain_close = counter("downstream_cx_drain_close");
  stats.cx_delayed_close_timeout = counter("downstream_cx_delayed_close_timeout");
  stats.cx_protocol_error = counter("downstream_cx_protocol_error");
  stats.cx_rx_bytes_total = counter("downstream_cx_rx_bytes_total");
  stats.cx_tx_bytes_total = counter("downstream_cx_tx_bytes_total");
  stats.cx_active = registry.gauge({"http", stat_prefix, "downstream_cx_active"});
  stats.cx_http1_active = registry.gauge({"http", stat_prefix, "downstream_cx_http1_active"});
  stats.cx_http2_active = registry.gauge({"http", stat_prefix, "downstream_cx_http2_active"});
  stats.cx_length_ms = registry.histogram({"http", stat_prefix, "downstream_cx_length_ms"});
  makeRequests(stats, counter);
  stats.http2 = Http2Stats::make(registry);
  stats.no_route = counter("no_route");
  stats.no_cluster = counter("no_cluster");
  stats.rq_forwarded = counter("rq_total");
  stats.rq_redirect = counter("rq_redirect");
  stats.rq_direct_response = counter("rq_direct_response");
  stats.rq_reset_after_downstream_response_started = counter("rq_reset_after_downstream_response_started");
  return stats;
}

}  // namespace weir::proxy
