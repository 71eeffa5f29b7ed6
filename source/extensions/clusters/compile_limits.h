// compileLimits: from the fields of an xDS Cluster that say how much may be under way at once, and what is opened
// ahead, to a ClusterConfig. Called by compileCluster at load; errors and warnings go to the diagnostics.
#pragma once

#include "source/base/diagnostics.h"
#include "source/upstream/cluster.h"

namespace envoy::config::cluster::v3 {
class Cluster;
}

namespace weir::extensions {

// circuit_breakers and preconnect_policy. What `config` says of discovery and the policy must be there already. `path`
// is that of the message.
void compileLimits(const envoy::config::cluster::v3::Cluster& message, upstream::ClusterConfig& config,
                   base::Diagnostics& diagnostics, const base::FieldPath& path);

}  // namespace weir::extensions
