// bindListeners: gives every worker its sockets. All addresses of all listeners are bound for all workers before any of
// them accepts, so that a start that fails has not taken a single connection. Where a listener asks for port 0 the
// kernel picks one for the first worker, and the others bind the same. An address that is not shared (reuse_port off,
// unix sockets) is served by the first worker alone.
#pragma once

#include <span>

#include "absl/status/status.h"
#include "source/server/compile/server_config.h"
#include "source/server/worker.h"

namespace weir::server {

// Main thread, before the workers run. The error names the listener, the address and the errno.
absl::Status bindListeners(std::span<const ListenerPlan> listeners, std::span<Worker* const> workers);

}  // namespace weir::server
