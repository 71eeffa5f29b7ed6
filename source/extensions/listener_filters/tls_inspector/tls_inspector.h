// The tls_inspector listener filter: tells TLS from plain bytes, and finds the server name and the protocols that a
// client offers. What is no ClientHello passes as raw_buffer; one above 64 KiB closes the connection.
#pragma once

#include <memory>

#include "source/proxy/listener/listener_filter.h"

namespace weir::extensions::tls_inspector {

proxy::ListenerFilterType tlsInspectorType();
// Also for listeners whose chains need it and that do not name it.
std::unique_ptr<const proxy::ListenerFilter> makeTlsInspector(stats::Registry& stats, std::string_view instance);

}  // namespace weir::extensions::tls_inspector
