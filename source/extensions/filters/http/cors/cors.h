// The cors filter: answers preflight requests and marks responses, for the origins that the policy of the route allows
// (https://fetch.spec.whatwg.org, CORS protocol). Without a policy it does nothing. What the most specific policy
// leaves open, a less specific one may say.
#pragma once

#include "source/filter/http_filter_factory.h"

namespace weir::extensions::cors {

// Its route configuration is made of the filter's own CorsPolicy, and of the older envoy.config.route.v3.CorsPolicy
// too.
filter::HttpFilterType corsType();

}  // namespace weir::extensions::cors
