#include "source/upstream/cluster_stats.h"

#include <string>

namespace weir::upstream {
namespace {

// Names metrics of one cluster.
class Namer {
 public:
  Namer(stats::Registry& registry, std::string_view cluster) : registry_(registry), cluster_(cluster) {}

  stats::CounterId counter(std::string_view metric) { return registry_.counter({"cluster", cluster_, metric}); }
  stats::GaugeId gauge(std::string_view metric) { return registry_.gauge({"cluster", cluster_, metric}); }
  stats::HistogramId histogram(std::string_view metric) { return registry_.histogram({"cluster", cluster_, metric}); }
  stats::CounterId statusClass(std::string_view metric, std::string_view digit) {
    return registry_.counter({"cluster", cluster_, metric, "envoy_response_code_class", digit});
  }
  Http2Stats http2() {
    return {gauge("http2.streams_active"), counter("http2.keepalive_timeout"),
            http::h2::ErrorCounters::make(
                [this](std::string_view metric) { return counter(std::string("http2.").append(metric)); })};
  }
  BreakerStats breaker(const std::string& priority) {
    const std::string prefix = "circuit_breakers." + priority + ".";
    return {gauge(prefix + "cx_open"),           gauge(prefix + "rq_pending_open"), gauge(prefix + "rq_open"),
            gauge(prefix + "rq_retry_open"),     gauge(prefix + "cx_pool_open"),    gauge(prefix + "remaining_cx"),
            gauge(prefix + "remaining_pending"), gauge(prefix + "remaining_rq"),    gauge(prefix + "remaining_retries"),
            gauge(prefix + "remaining_cx_pools")};
  }

 private:
  stats::Registry& registry_;
  std::string_view cluster_;
};

}  // namespace

ZoneStats::ZoneStats(stats::Registry& registry, std::string_view stat_name) {
  Namer name(registry, stat_name);
  recalculate_zone_structures = name.counter("lb_recalculate_zone_structures");
  local_cluster_not_ok = name.counter("lb_local_cluster_not_ok");
  cluster_too_small = name.counter("lb_zone_cluster_too_small");
  routing_all_directly = name.counter("lb_zone_routing_all_directly");
  routing_sampled = name.counter("lb_zone_routing_sampled");
  routing_cross_zone = name.counter("lb_zone_routing_cross_zone");
}

BudgetStats::BudgetStats(stats::Registry& registry, std::string_view stat_name) {
  Namer name(registry, stat_name);
  used = name.histogram("upstream_rq_timeout_budget_percent_used");
  used_per_try = name.histogram("upstream_rq_timeout_budget_per_try_percent_used");
}

SizeStats::SizeStats(stats::Registry& registry, std::string_view stat_name) {
  Namer name(registry, stat_name);
  rq_headers_size = name.histogram("upstream_rq_headers_size");
  rq_headers_count = name.histogram("upstream_rq_headers_count");
  rq_body_size = name.histogram("upstream_rq_body_size");
  rs_headers_size = name.histogram("upstream_rs_headers_size");
  rs_headers_count = name.histogram("upstream_rs_headers_count");
  rs_body_size = name.histogram("upstream_rs_body_size");
}

ClusterStats::ClusterStats(stats::Registry& registry, std::string_view stat_name) {
  Namer name(registry, stat_name);
  cx_total = name.counter("upstream_cx_total");
  cx_active = name.gauge("upstream_cx_active");
  cx_http1_total = name.counter("upstream_cx_http1_total");
  cx_http2_total = name.counter("upstream_cx_http2_total");
  cx_connect_fail = name.counter("upstream_cx_connect_fail");
  cx_connect_timeout = name.counter("upstream_cx_connect_timeout");
  cx_overflow = name.counter("upstream_cx_overflow");
  cx_pool_overflow = name.counter("upstream_cx_pool_overflow");
  cx_adopted = name.counter("upstream_cx_adopted");
  cx_left_idle = name.gauge("upstream_cx_left_idle");
  cx_destroy = name.counter("upstream_cx_destroy");
  cx_destroy_remote_with_active_rq = name.counter("upstream_cx_destroy_remote_with_active_rq");
  cx_max_requests = name.counter("upstream_cx_max_requests");
  cx_idle_timeout = name.counter("upstream_cx_idle_timeout");
  cx_max_duration_reached = name.counter("upstream_cx_max_duration_reached");
  cx_protocol_error = name.counter("upstream_cx_protocol_error");
  cx_close_notify = name.counter("upstream_cx_close_notify");
  cx_none_healthy = name.counter("upstream_cx_none_healthy");
  cx_rx_bytes_total = name.counter("upstream_cx_rx_bytes_total");
  cx_tx_bytes_total = name.counter("upstream_cx_tx_bytes_total");
  cx_connect_ms = name.histogram("upstream_cx_connect_ms");
  cx_length_ms = name.histogram("upstream_cx_length_ms");
  http2 = name.http2();
  healthy_panic = name.counter("lb_healthy_panic");
  membership_total = name.gauge("membership_total");
  membership_healthy = name.gauge("membership_healthy");
  membership_degraded = name.gauge("membership_degraded");
  membership_excluded = name.gauge("membership_excluded");
  membership_change = name.counter("membership_change");
  breakers = {name.breaker("default"), name.breaker("high")};
  nameRequests(registry, stat_name);
}

void ClusterStats::nameRequests(stats::Registry& registry, std::string_view stat_name) {
  Namer name(registry, stat_name);
  rq_total = name.counter("upstream_rq_total");
  rq_active = name.gauge("upstream_rq_active");
  rq_pending_total = name.counter("upstream_rq_pending_total");
  rq_pending_active = name.gauge("upstream_rq_pending_active");
  rq_pending_overflow = name.counter("upstream_rq_pending_overflow");
  rq_pending_failure_eject = name.counter("upstream_rq_pending_failure_eject");
  rq_pending_timeout = name.counter("upstream_rq_pending_timeout");
  rq_retry_overflow = name.counter("upstream_rq_retry_overflow");
  rq_cancelled = name.counter("upstream_rq_cancelled");
  rq_timeout = name.counter("upstream_rq_timeout");
  rq_rx_reset = name.counter("upstream_rq_rx_reset");
  rq_tx_reset = name.counter("upstream_rq_tx_reset");
  rq_retry = name.counter("upstream_rq_retry");
  rq_retry_success = name.counter("upstream_rq_retry_success");
  rq_retry_limit_exceeded = name.counter("upstream_rq_retry_limit_exceeded");
  rq_retry_backoff_exponential = name.counter("upstream_rq_retry_backoff_exponential");
  rq_retry_backoff_ratelimited = name.counter("upstream_rq_retry_backoff_ratelimited");
  rq_per_try_timeout = name.counter("upstream_rq_per_try_timeout");
  rq_per_try_idle_timeout = name.counter("upstream_rq_per_try_idle_timeout");
  internal_redirect_succeeded_total = name.counter("upstream_internal_redirect_succeeded_total");
  internal_redirect_failed_total = name.counter("upstream_internal_redirect_failed_total");
  retry_or_shadow_abandoned = name.counter("retry_or_shadow_abandoned");
  original_dst_host_invalid = name.counter("original_dst_host_invalid");
  rq_completed = name.counter("upstream_rq_completed");
  rq_status = {name.statusClass("upstream_rq_1xx", "1"), name.statusClass("upstream_rq_2xx", "2"),
               name.statusClass("upstream_rq_3xx", "3"), name.statusClass("upstream_rq_4xx", "4"),
               name.statusClass("upstream_rq_5xx", "5")};
  rq_time = name.histogram("upstream_rq_time");
}

}  // namespace weir::upstream
