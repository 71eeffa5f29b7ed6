// The TCP proxy as an extension: from its configuration message to the factory in source/proxy/tcp_proxy.h.
#pragma once

#include "source/proxy/session_factory.h"

namespace weir::extensions::tcp_proxy {

// The line for registry.cc.
proxy::SessionType tcpProxyType();

}  // namespace weir::extensions::tcp_proxy
