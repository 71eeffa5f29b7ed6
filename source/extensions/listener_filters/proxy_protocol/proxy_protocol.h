// The proxy_protocol listener filter: takes the addresses of the client and of where it went from the header that a
// load balancer writes in front of the bytes. A connection without one is closed, unless it may do without.
#pragma once

#include "source/proxy/listener/listener_filter.h"

namespace weir::extensions::proxy_protocol {

proxy::ListenerFilterType proxyProtocolType();

}  // namespace weir::extensions::proxy_protocol
