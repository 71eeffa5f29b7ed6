// compileLb: from the fields of an xDS Cluster that say how its endpoints are picked to lb::Options. Called by
// compileCluster at load; errors and warnings go to the diagnostics.
#pragma once

#include "source/base/diagnostics.h"
#include "source/upstream/lb/options.h"

namespace envoy::config::cluster::v3 {
class Cluster;
}

namespace weir::extensions {

// load_balancing_policy, or lb_policy with the options of each policy, common_lb_config, lb_subset_config, and the
// policy of the load assignment. `chooses` says that the cluster has whoever asks choose the host (CLUSTER_PROVIDED).
// `path` is that of the message.
void compileLb(const envoy::config::cluster::v3::Cluster& message, bool chooses, upstream::lb::Options& options,
               base::Diagnostics& diagnostics, const base::FieldPath& path);

}  // namespace weir::extensions
