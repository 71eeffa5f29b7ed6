// From a Listener message to a ListenerPlan. Main thread, at load; called by compileBootstrap().
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "source/base/diagnostics.h"
#include "source/extensions/transport_sockets/tls/secrets.h"
#include "source/extensions/transport_sockets/transport_sources.h"
#include "source/server/compile/compile_bootstrap.h"
#include "source/server/compile/server_config.h"

namespace envoy::config::listener::v3 {
class Listener;
}

namespace weir::server {

// None after an error was reported. `path` is that of the message. A listener without a name is called by its address.
std::optional<ListenerPlan> compileListener(const envoy::config::listener::v3::Listener& message,
                                            const CompileContext& context, const extensions::Secrets& secrets,
                                            extensions::TransportSources& transports,
                                            const std::function<std::string(std::string_view)>& cluster_problem,
                                            base::Diagnostics& diagnostics, const base::FieldPath& path);

}  // namespace weir::server
