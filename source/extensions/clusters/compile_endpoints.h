// compileEndpoints: from a ClusterLoadAssignment to the hosts of a STATIC cluster, in the order of the file. Called by
// compileCluster at load; errors go to the diagnostics.
#pragma once

#include <vector>

#include "source/base/diagnostics.h"
#include "source/upstream/cluster.h"

namespace envoy::config::endpoint::v3 {
class ClusterLoadAssignment;
}

namespace weir::extensions {

// `path` is that of the message. Endpoints with an error are left out.
std::vector<upstream::HostSpec> compileEndpoints(const envoy::config::endpoint::v3::ClusterLoadAssignment& message,
                                                 base::Diagnostics& diagnostics, const base::FieldPath& path);

}  // namespace weir::extensions
