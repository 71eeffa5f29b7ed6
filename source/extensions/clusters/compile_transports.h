// compileTransports: over which transports the connections of a cluster go. At load, on the main thread; errors go to
// the diagnostics of the scope.
#pragma once

#include "source/base/diagnostics.h"
#include "source/extensions/transport_sockets/compile_transport.h"
#include "source/upstream/cluster.h"

namespace envoy::config::cluster::v3 {
class Cluster;
}

namespace weir::extensions {

// Some of them are TLS.
bool hasTls(const envoy::config::cluster::v3::Cluster& message);
// Some of them tell the host who the client is.
bool tellsClient(const envoy::config::cluster::v3::Cluster& message);

// `path` is that of the message. `config` has its stat_name.
void compileTransports(const envoy::config::cluster::v3::Cluster& message, upstream::ClusterConfig& config,
                       const UpstreamUse& use, const TransportScope& scope, const base::FieldPath& path);

}  // namespace weir::extensions
