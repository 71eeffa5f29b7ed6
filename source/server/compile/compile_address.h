// From an Address message to an address to bind. Main thread, at load.
#pragma once

#include <optional>

#include "source/base/diagnostics.h"
#include "source/server/compile/server_config.h"

namespace envoy::config::core::v3 {
class Address;
}

namespace weir::server {

// None after an error was reported. `path` is that of the message.
std::optional<BoundAddress> compileAddress(const envoy::config::core::v3::Address& message,
                                           base::Diagnostics& diagnostics, const base::FieldPath& path);

}  // namespace weir::server
