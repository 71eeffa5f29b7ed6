// From the action of a Route message to the action of a route, and to the routes of its weighted clusters. Called at
// load on the main thread.
#pragma once

#include "source/extensions/routes/compile_routes.h"

namespace envoy::config::route::v3 {
class Route;
}

namespace weir::extensions {

struct RouteTableLimits {
  size_t direct_response_bytes = 4096;
  bool validate_clusters = true;
  // Of the virtual host, for routes that say nothing else about retries, mirrors and the like.
  std::shared_ptr<const proxy::UpstreamPolicy> policy = nullptr;
};

// Fills route.action and route.choices. `path` is that of the Route message.
void compileAction(const envoy::config::route::v3::Route& message, const RouteContext& context,
                   const RouteTableLimits& limits, const base::FieldPath& path, proxy::Route& route);

}  // namespace weir::extensions
