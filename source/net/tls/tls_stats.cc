#include "source/net/tls/tls_stats.h"

namespace weir::net::tls {

TlsStats TlsStats::make(stats::Registry& registry, std::string_view group, std::string_view instance) {
  const auto counter = [&](std::string_view metric) { return registry.counter({group, instance, metric}); };
  TlsStats stats;
  stats.handshake = counter("ssl.handshake");
  stats.session_reused = counter("ssl.session_reused");
  stats.connection_error = counter("ssl.connection_error");
  stats.no_certificate = counter("ssl.no_certificate");
  stats.fail_verify_no_cert = counter("ssl.fail_verify_no_cert");
  stats.fail_verify_error = counter("ssl.fail_verify_error");
  stats.fail_verify_san = counter("ssl.fail_verify_san");
  stats.fail_verify_cert_hash = counter("ssl.fail_verify_cert_hash");
  stats.tls12 = registry.counter({group, instance, "ssl.versions.TLSv1.2", "envoy_ssl_version", "TLSv1.2"});
  stats.tls13 = registry.counter({group, instance, "ssl.versions.TLSv1.3", "envoy_ssl_version", "TLSv1.3"});
  stats.truncated = counter("ssl.truncated");
  return stats;
}

}  // namespace weir::net::tls
