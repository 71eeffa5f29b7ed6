// compileLbPolicy: from the load_balancing_policy of an xDS Cluster, a list of typed extensions of which the first that
// weir knows counts, to lb::Options. Called by compileLb at load; errors and warnings go to the diagnostics.
#pragma once

#include "source/base/diagnostics.h"
#include "source/upstream/lb/options.h"

namespace envoy::config::cluster::v3 {
class LoadBalancingPolicy;
}

namespace weir::extensions {

// `path` is that of the message.
void compileLbPolicy(const envoy::config::cluster::v3::LoadBalancingPolicy& message, upstream::lb::Options& options,
                     base::Diagnostics& diagnostics, const base::FieldPath& path);

}  // namespace weir::extensions
