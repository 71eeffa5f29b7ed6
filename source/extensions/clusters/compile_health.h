// compileHealth: what a Cluster says about the health of its hosts, as plain values. At
// load, on the main thread; errors go to `diagnostics` under the path of the field they are about.
#pragma once

#include "source/base/diagnostics.h"
#include "source/upstream/health/health_config.h"

namespace envoy::config::cluster::v3 {
class Cluster;
}

namespace weir::extensions {

// `path` is that of the cluster.
upstream::health::ClusterHealth compileHealth(const envoy::config::cluster::v3::Cluster& message,
                                              base::Diagnostics& diagnostics, const base::FieldPath& path);

}  // namespace weir::extensions
