// compileEndpoints: from a ClusterLoadAssignment to the hosts of a cluster, in the order of the file. Called at load,
// and for a file of endpoints whenever it changes; main thread; errors go to the diagnostics.
#pragma once

#include <vector>

#include "source/base/diagnostics.h"
#include "source/upstream/discovery/dns_discovery.h"
#include "source/upstream/host.h"

namespace envoy::config::endpoint::v3 {
class ClusterLoadAssignment;
}

namespace weir::extensions {

// `path` is that of the message. Endpoints with an error are left out.
std::vector<upstream::HostSpec> compileEndpoints(const envoy::config::endpoint::v3::ClusterLoadAssignment& message,
                                                 base::Diagnostics& diagnostics, const base::FieldPath& path);

// The same where an address may be a name.
std::vector<upstream::discovery::NamedHost> compileNamedEndpoints(
    const envoy::config::endpoint::v3::ClusterLoadAssignment& message, base::Diagnostics& diagnostics,
    const base::FieldPath& path);

}  // namespace weir::extensions
