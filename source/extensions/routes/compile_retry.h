// From what a virtual host and a route say about retries, hedging, mirrors and internal redirects to an UpstreamPolicy.
// Called at load on the main thread; errors go to the diagnostics of the context, under the path of their field.
#pragma once

#include <memory>

#include "source/extensions/routes/compile_routes.h"
#include "source/proxy/routes/upstream_policy.h"

namespace envoy::config::route::v3 {
class Route;
class VirtualHost;
}  // namespace envoy::config::route::v3

namespace weir::extensions {

// What holds for the whole table, where a virtual host says nothing else. `path` is that of the message.
proxy::UpstreamPolicy compileTablePolicy(const envoy::config::route::v3::RouteConfiguration& message,
                                         const RouteContext& context, const base::FieldPath& path);
// What holds for the routes of the virtual host. Never null. `path` is that of the message.
std::shared_ptr<const proxy::UpstreamPolicy> compileHostPolicy(const envoy::config::route::v3::VirtualHost& message,
                                                               const proxy::UpstreamPolicy& table,
                                                               const RouteContext& context,
                                                               const base::FieldPath& path);
// Of one route: `inherited` itself where the route says nothing. A retry policy, a hedge policy and a list of mirrors
// of the route each replace that of the virtual host as a whole. `path` is that of the Route message.
std::shared_ptr<const proxy::UpstreamPolicy> compileRoutePolicy(
    const envoy::config::route::v3::Route& message, const std::shared_ptr<const proxy::UpstreamPolicy>& inherited,
    const RouteContext& context, const base::FieldPath& path);

}  // namespace weir::extensions
