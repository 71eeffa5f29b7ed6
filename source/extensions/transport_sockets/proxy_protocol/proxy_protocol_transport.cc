#include "source/extensions/transport_sockets/proxy_protocol/proxy_protocol_transport.h"

#include <utility>

#include "source/net/preamble_socket.h"

namespace weir::extensions {

ProxyProtocolTransport::ProxyProtocolTransport(net::ProxyHeaderOptions options,
                                               std::shared_ptr<const net::TransportFactory> inner)
    : options_(std::move(options)), inner_(std::move(inner)) {}

std::unique_ptr<net::Socket> ProxyProtocolTransport::wrap(std::unique_ptr<net::Socket> socket,
                                                          const net::WorkerContext& worker,
                                                          const net::Purpose& purpose) const {
  std::unique_ptr<net::Socket> telling =
      std::make_unique<net::PreambleSocket>(std::move(socket), net::proxyHeader(options_, purpose.client));
  return inner_ == nullptr ? std::move(telling) : inner_->wrap(std::move(telling), worker, purpose);
}

}  // namespace weir::extensions
