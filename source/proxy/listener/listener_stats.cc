#include "source/proxy/listener/listener_stats.h"

namespace weir::proxy {

ListenerStats ListenerStats::make(stats::Registry& registry, std::string_view instance) {
  const auto counter = [&](std::string_view metric) { return registry.counter({"listener", instance, metric}); };
  ListenerStats stats;
  stats.cx_total = counter("downstream_cx_total");
  stats.cx_destroy = counter("downstream_cx_destroy");
  stats.cx_overflow = counter("downstream_cx_overflow");
  stats.no_filter_chain_match = counter("no_filter_chain_match");
  stats.cx_transport_socket_connect_timeout = counter("downstream_cx_transport_socket_connect_timeout");
  stats.accept_exhausted = counter("accept_exhausted");
  stats.pre_cx_timeout = counter("downstream_pre_cx_timeout");
  stats.pre_cx_active = registry.gauge({"listener", instance, "downstream_pre_cx_active"});
  stats.cx_active = registry.gauge({"listener", instance, "downstream_cx_active"});
  stats.cx_length_ms = registry.histogram({"listener", instance, "downstream_cx_length_ms"});
  return stats;
}

}  // namespace weir::proxy
