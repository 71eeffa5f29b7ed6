// The http_inspector listener filter: finds out whether plain bytes are HTTP/1.0, HTTP/1.1 or HTTP/2, and offers that
// as the application protocol ("http/1.0", "http/1.1", "h2c"). TLS, and what is none of them, passes as it is.
#pragma once

#include "source/proxy/listener/listener_filter.h"

namespace weir::extensions::http_inspector {

proxy::ListenerFilterType httpInspectorType();

}  // namespace weir::extensions::http_inspector
