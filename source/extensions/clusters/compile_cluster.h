// compileCluster: from an xDS Cluster to the plain ClusterConfig that workers use. Called at load on the main thread,
// after the loader has checked the rules of single fields; what is left is what several fields say together, and what
// weir does not do. All errors and warnings go to the diagnostics of the scope, under the path of the field they are
// about.
#pragma once

#include <optional>

#include "source/base/diagnostics.h"
#include "source/extensions/transport_sockets/compile_transport.h"
#include "source/upstream/cluster.h"

namespace google::protobuf {
template <typename Element>
class RepeatedPtrField;
}
namespace envoy::config::cluster::v3 {
class Cluster;
}

namespace weir::extensions {

// `path` is that of the message. None after at least one error.
std::optional<upstream::ClusterConfig> compileCluster(const envoy::config::cluster::v3::Cluster& message,
                                                      const TransportScope& scope, const base::FieldPath& path);

// Reports every name that was used before. `path` is that of the message that has the list, `field` its name.
void refuseDuplicateClusters(const google::protobuf::RepeatedPtrField<envoy::config::cluster::v3::Cluster>& clusters,
                             base::Diagnostics& diagnostics, const base::FieldPath& path, const char* field);

}  // namespace weir::extensions
