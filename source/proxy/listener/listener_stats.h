// ListenerStats: the counters of one listener, resolved to ids at load. A plain value, shared by workers.
#pragma once

#include <string_view>

#include "source/stats/registry.h"

namespace weir::proxy {

struct ListenerStats {
  // `instance` is the listener's stat prefix, or its address.
  static ListenerStats make(stats::Registry& registry, std::string_view instance);

  stats::CounterId cx_total;
  stats::CounterId cx_destroy;
  stats::CounterId cx_overflow;                          // refused because the limit of connections was reached
  stats::CounterId no_filter_chain_match;                // refused because no chain takes it
  stats::CounterId cx_transport_socket_connect_timeout;  // the handshake took too long
  stats::CounterId accept_exhausted;                     // no descriptor or memory was left to accept with
  stats::CounterId pre_cx_timeout;                       // the first bytes did not come in time
  stats::GaugeId pre_cx_active;                          // connections whose first bytes are looked at
  stats::GaugeId cx_active;
  stats::HistogramId cx_length_ms;
};

}  // namespace weir::proxy
