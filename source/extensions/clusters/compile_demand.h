// compileDemand: from the configuration of a cluster whose hosts come when they are asked for to a DemandConfig: a
// dynamic forward proxy, with the cache that it shares with its filter. Called by compileDiscovery, and by the filter,
// which checks its own copy; at load.
#pragma once

#include <optional>

#include "source/base/diagnostics.h"
#include "source/upstream/demand.h"

namespace envoy::extensions::common::dynamic_forward_proxy::v3 {
class DnsCacheConfig;
}

namespace weir::extensions {

// None after errors. `path` is that of the message.
std::optional<upstream::DemandConfig> compileDnsCache(
    const envoy::extensions::common::dynamic_forward_proxy::v3::DnsCacheConfig& message, base::Diagnostics& diagnostics,
    const base::FieldPath& path);

}  // namespace weir::extensions
