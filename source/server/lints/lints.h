// lint: what is allowed in a configuration and yet is hardly meant: routes that never match, clusters that nobody uses,
// gRPC under the default time-out, retries that multiply over hops. Each becomes a warning. For `weir check`, on the
// main thread, after the configuration was found to be right. (Verification that is switched off is told by the
// compilers of TLS, also at start.)
#pragma once

#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "source/base/diagnostics.h"

namespace weir::server {

void lint(const envoy::config::bootstrap::v3::Bootstrap& bootstrap, base::Diagnostics& diagnostics);

}  // namespace weir::server
