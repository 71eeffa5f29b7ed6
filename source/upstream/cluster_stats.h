// ClusterStats: the ids of everything that is counted about one cluster, with Envoy's names below
// "cluster.<stat name>.". Made once at load with the Cluster, immutable, shared by workers; each worker counts into its
// own shard. The router counts requests by status and timeouts through it, the pools count all the rest.
#pragma once

#include <array>
#include <string_view>

#include "source/http/h2/error_counters.h"
#include "source/stats/stats.h"

namespace weir::upstream {

// Of one circuit breaker. Gauges of `*_open` are 1 while the limit is used up.
struct BreakerStats {
  stats::GaugeId cx_open;
  stats::GaugeId rq_pending_open;
  stats::GaugeId rq_open;
  stats::GaugeId rq_retry_open;
  stats::GaugeId cx_pool_open;
  // What is left of the limit; kept only when the threshold says track_remaining.
  stats::GaugeId remaining_cx;
  stats::GaugeId remaining_pending;
  stats::GaugeId remaining_rq;
  stats::GaugeId remaining_retries;
  stats::GaugeId remaining_cx_pools;
};

// Below "http2."; the names are Envoy's where it counts the same.
struct Http2Stats {
  stats::GaugeId streams_active;
  stats::CounterId keepalive_timeout;
  http::h2::ErrorCounters errors;
};

// Of a cluster whose traffic is to stay in its locality; see source/upstream/lb/zone_aware.h.
struct ZoneStats {
  ZoneStats(stats::Registry& registry, std::string_view stat_name);

  // The first worker counts how often, and with what outcome, the shares of localities were made anew.
  stats::CounterId recalculate_zone_structures;
  stats::CounterId local_cluster_not_ok;
  stats::CounterId cluster_too_small;
  // Picks.
  stats::CounterId routing_all_directly;
  stats::CounterId routing_sampled;
  stats::CounterId routing_cross_zone;
};

// How much of the time that a request, and the try that was answered, may take it took: in percent, 100 at most. Of a
// cluster that keeps it.
struct BudgetStats {
  BudgetStats(stats::Registry& registry, std::string_view stat_name);

  stats::HistogramId used;
  stats::HistogramId used_per_try;
};

// Bytes of fields and bodies, and the number of fields, of requests that were answered and of the answers. Of a cluster
// that keeps it.
struct SizeStats {
  SizeStats(stats::Registry& registry, std::string_view stat_name);

  stats::HistogramId rq_headers_size, rq_headers_count, rq_body_size;
  stats::HistogramId rs_headers_size, rs_headers_count, rs_body_size;
};

struct ClusterStats {
  ClusterStats(stats::Registry& registry, std::string_view stat_name);

  // Connections; "upstream_" stands before all of these names.
  stats::CounterId cx_total;
  stats::GaugeId cx_active;
  stats::CounterId cx_http1_total;
  stats::CounterId cx_http2_total;
  stats::CounterId cx_connect_fail;
  stats::CounterId cx_connect_timeout;
  stats::CounterId cx_overflow;
  stats::CounterId cx_pool_overflow;
  stats::CounterId cx_destroy;
  stats::CounterId cx_destroy_remote_with_active_rq;
  stats::CounterId cx_max_requests;
  stats::CounterId cx_idle_timeout;
  stats::CounterId cx_max_duration_reached;
  stats::CounterId cx_protocol_error;
  stats::CounterId cx_close_notify;  // ended because the peer said GOAWAY
  stats::CounterId cx_none_healthy;
  stats::CounterId cx_adopted;  // idle ones that another worker had left to whoever needs them
  stats::GaugeId cx_left_idle;  // that are left so now; not among cx_active
  stats::CounterId cx_rx_bytes_total;
  stats::CounterId cx_tx_bytes_total;
  stats::HistogramId cx_connect_ms;
  stats::HistogramId cx_length_ms;
  // Requests, counted by the pools.
  stats::CounterId rq_total;
  stats::GaugeId rq_active;
  stats::CounterId rq_pending_total;
  stats::GaugeId rq_pending_active;
  stats::CounterId rq_pending_overflow;
  stats::CounterId rq_pending_failure_eject;
  stats::CounterId rq_pending_timeout;
  stats::CounterId rq_retry_overflow;
  stats::CounterId rq_cancelled;
  // Requests, counted by the router.
  stats::CounterId rq_timeout;
  stats::CounterId rq_rx_reset;
  stats::CounterId rq_tx_reset;
  stats::CounterId rq_retry;
  stats::CounterId rq_retry_success;
  stats::CounterId rq_retry_limit_exceeded;
  stats::CounterId rq_retry_backoff_exponential;
  stats::CounterId rq_retry_backoff_ratelimited;
  stats::CounterId rq_per_try_timeout;
  stats::CounterId rq_per_try_idle_timeout;
  stats::CounterId internal_redirect_succeeded_total;
  stats::CounterId internal_redirect_failed_total;
  stats::CounterId rq_completed;
  std::array<stats::CounterId, 5> rq_status;  // 1xx to 5xx
  stats::HistogramId rq_time;                 // milliseconds

  // Not below "upstream_".
  stats::CounterId retry_or_shadow_abandoned;  // a body was too large to be kept for that
  stats::CounterId original_dst_host_invalid;  // a header that should have the address of a host had something else
  Http2Stats http2;
  stats::CounterId healthy_panic;  // "lb_": picks without regard to health
  stats::GaugeId membership_total;
  stats::GaugeId membership_healthy;
  stats::GaugeId membership_degraded;
  stats::GaugeId membership_excluded;
  stats::CounterId membership_change;
  std::array<BreakerStats, 2> breakers;  // by Priority; "circuit_breakers.default." and "circuit_breakers.high."

 private:
  void nameRequests(stats::Registry& registry, std::string_view stat_name);
};

}  // namespace weir::upstream
