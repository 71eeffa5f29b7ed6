// Random route configurations and requests that have a fair chance to meet: few names, short paths, all kinds of
// matches. What a seed gives it always gives.
#pragma once

#include <string>

#include "envoy/config/route/v3/route.pb.h"
#include "source/base/random.h"
#include "source/http/head.h"

namespace weir::extensions {

envoy::config::route::v3::RouteConfiguration randomRoutes(base::Random& random);
// A path such as randomRoutes() matches.
std::string randomPath(base::Random& random);
// Fills a head made in an arena.
void randomRequest(base::Random& random, http::Head& head);

}  // namespace weir::extensions
