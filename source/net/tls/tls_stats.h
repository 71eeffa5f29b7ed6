// TlsStats: the counters of TLS connections of one listener or cluster, resolved to ids at load. A plain value.
#pragma once

#include <string_view>

#include "source/stats/registry.h"

namespace weir::net::tls {

struct TlsStats {
  // "listener" and its address, or "cluster" and its name.
  static TlsStats make(stats::Registry& registry, std::string_view group, std::string_view instance);

  stats::CounterId handshake;         // done, full or resumed
  stats::CounterId session_reused;    // resumed
  stats::CounterId connection_error;  // broken by either side, in the handshake or after it
  stats::CounterId no_certificate;    // done, and the peer showed no certificate
  stats::CounterId fail_verify_no_cert;
  stats::CounterId fail_verify_error;      // the chain of the peer's certificate
  stats::CounterId fail_verify_san;        // its names
  stats::CounterId fail_verify_cert_hash;  // pins
  stats::CounterId tls12;
  stats::CounterId tls13;
  stats::CounterId truncated;  // the peer ended without close_notify
};

}  // namespace weir::net::tls
