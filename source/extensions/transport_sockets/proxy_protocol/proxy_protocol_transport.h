// ProxyProtocolTransport: the upstream is told, in a PROXY header, whose connection it is given; what goes over it then
// is what another transport makes of it, or plain bytes. Compiled at load, immutable, shared by workers.
#pragma once

#include <memory>

#include "source/net/proxy_header.h"
#include "source/net/transport.h"

namespace weir::extensions {

class ProxyProtocolTransport final : public net::TransportFactory {
 public:
  // `inner` is null for plain bytes.
  ProxyProtocolTransport(net::ProxyHeaderOptions options, std::shared_ptr<const net::TransportFactory> inner);

  std::unique_ptr<net::Socket> wrap(std::unique_ptr<net::Socket> socket, const net::WorkerContext& worker,
                                    const net::Purpose& purpose) const override;
  bool tellsClient() const override { return true; }
  bool protects() const override { return inner_ != nullptr && inner_->protects(); }

 private:
  const net::ProxyHeaderOptions options_;
  const std::shared_ptr<const net::TransportFactory> inner_;
};

}  // namespace weir::extensions
