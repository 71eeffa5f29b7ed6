// lintShadowedRoutes: routes of a virtual host that never match, as one before them takes whatever they would. Main
// thread. The time it takes grows with the number of routes, not with its square.
#pragma once

#include "source/base/diagnostics.h"

namespace envoy::config::route::v3 {
class VirtualHost;
}

namespace weir::server {

// `path` is that of the virtual host. A warning for each, which names the route that shadows it.
void lintShadowedRoutes(const envoy::config::route::v3::VirtualHost& host, base::Diagnostics& diagnostics,
                        const base::FieldPath& path);

}  // namespace weir::server
