// From a RouteMatch message to the conditions of a route. Called at load on the main thread.
#pragma once

#include <optional>

#include "source/base/diagnostics.h"
#include "source/proxy/routes/route_match.h"

namespace envoy::config::route::v3 {
class RouteMatch;
}

namespace weir::extensions {

// None after an error was reported. `path` is that of the message.
std::optional<proxy::RouteMatch> compileRouteMatch(const envoy::config::route::v3::RouteMatch& message,
                                                   base::Diagnostics& diagnostics, const base::FieldPath& path);

}  // namespace weir::extensions
