// From the hash policies of a route to a HashPolicy. Called at load on the main thread.
#pragma once

#include <memory>

#include "source/base/diagnostics.h"
#include "source/proxy/routes/hash_policy.h"

namespace envoy::config::route::v3 {
class RouteAction;
}

namespace weir::extensions {

// Null when there is none, and after errors. `path` is that of the message.
std::shared_ptr<const proxy::HashPolicy> compileHashPolicy(const envoy::config::route::v3::RouteAction& message,
                                                           base::Diagnostics& diagnostics, const base::FieldPath& path);

}  // namespace weir::extensions
