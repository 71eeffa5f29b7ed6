// TlsTransport: makes the TransportFactory of a listener's filter chain or of a cluster from its configuration. At
// load, on the main thread; what it makes is immutable and shared by workers. The only header of this folder that
// others need, with the plain structs of tls_config.h; it knows nothing of OpenSSL.
#pragma once

#include <memory>

#include "source/net/tls/tls_config.h"
#include "source/net/tls/tls_stats.h"
#include "source/net/transport.h"

namespace weir::net::tls {

struct TlsTransport {
  std::shared_ptr<const TransportFactory> factory;  // null when there are problems
  Problems problems;

  static TlsTransport server(const ServerConfig& config, const TlsStats& stats);
  static TlsTransport client(const ClientConfig& config, const TlsStats& stats);
};

}  // namespace weir::net::tls
