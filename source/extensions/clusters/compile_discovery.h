// compileDiscovery: how a cluster finds its hosts: the part of compileCluster that is about its type, its endpoints,
// DNS and files. Called by compileCluster at load.
#pragma once

#include "source/base/diagnostics.h"
#include "source/upstream/cluster.h"

namespace envoy::config::cluster::v3 {
class Cluster;
}

namespace weir::extensions {

// Fills the hosts of `config` and what their discovery needs. `path` is that of the message.
void compileDiscovery(const envoy::config::cluster::v3::Cluster& message, upstream::ClusterConfig& config,
                      base::Diagnostics& diagnostics, const base::FieldPath& path);

}  // namespace weir::extensions
