// compileProxyHeader: from a ProxyProtocolConfig to what is written in front of a connection. At load, on the main
// thread; errors go to the diagnostics under `path`, that of the message.
#pragma once

#include "source/base/diagnostics.h"
#include "source/net/proxy_header.h"

namespace envoy::config::core::v3 {
class ProxyProtocolConfig;
}

namespace weir::extensions {

net::ProxyHeaderOptions compileProxyHeader(const envoy::config::core::v3::ProxyProtocolConfig& message,
                                           base::Diagnostics& diagnostics, const base::FieldPath& path);

}  // namespace weir::extensions
