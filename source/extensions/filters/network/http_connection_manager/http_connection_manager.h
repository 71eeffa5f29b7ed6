// The HTTP connection manager's place in the registry: from its configuration message to the factory of its sessions.
// Called at load on the main thread; every error goes to the diagnostics, and all of them are found in one run.
#pragma once

#include "source/proxy/session_factory.h"

namespace weir::extensions::http_connection_manager {

// The line for registry.cc.
proxy::SessionType httpConnectionManagerType();

}  // namespace weir::extensions::http_connection_manager
