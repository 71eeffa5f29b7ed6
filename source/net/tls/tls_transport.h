// TlsTransport: makes the TransportFactory of a listener's filter chain or of a cluster from its configuration. At
// load, on the main thread; what it makes is immutable and shared by workers. The only header of this folder that
// others need, with the plain structs of tls_config.h; it knows nothing of OpenSSL.
#pragma once

#include <memory>
#include <vector>

#include "source/net/tls/tls_config.h"
#include "source/net/tls/tls_stats.h"
#include "source/net/transport.h"
#include "source/net/transport_info.h"

namespace weir::net::tls {

struct TlsTransport {
  std::shared_ptr<const TransportFactory> factory;  // null when there are problems
  Problems problems;
  // What our own certificates say, and those of the authorities that are trusted, unless they are the machine's.
  std::vector<PeerCertificate> certificates;
  std::vector<PeerCertificate> authorities;

  static TlsTransport server(const ServerConfig& config, const TlsStats& stats);
  static TlsTransport client(const ClientConfig& config, const TlsStats& stats);
};

}  // namespace weir::net::tls
