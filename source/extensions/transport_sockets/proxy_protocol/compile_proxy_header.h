// compileProxyHeader: from a ProxyProtocolConfig to what is written in front of a connection. At load, on the main
// thread; errors go to the diagnostics under `path`, that of the message.
#pragma once

#include "source/base/diagnostics.h"
#include "source/net/proxy_header.h"

namespace envoy::config::core::v3 {
class ProxyProtocolConfig;
class ProxyProtocolPassThroughTLVs;
}  // namespace envoy::config::core::v3

namespace weir::extensions {

net::ProxyHeaderOptions compileProxyHeader(const envoy::config::core::v3::ProxyProtocolConfig& message,
                                           base::Diagnostics& diagnostics, const base::FieldPath& path);

// Which types those are.
net::TlvTypes compileTlvTypes(const envoy::config::core::v3::ProxyProtocolPassThroughTLVs& message);

}  // namespace weir::extensions
