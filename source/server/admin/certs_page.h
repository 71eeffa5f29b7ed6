// certsPage: /certs, as JSON in the form of the xDS admin message Certificates: each transport with its own
// certificates and the authorities that it trusts. Main thread.
#pragma once

#include <string>

#include "absl/time/time.h"
#include "source/extensions/transport_sockets/transport_sources.h"

namespace weir::server {

// `sources` may be null.
std::string certsPage(const extensions::TransportSources* sources, absl::Time now);

}  // namespace weir::server
