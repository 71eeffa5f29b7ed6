// The local rate limit filter: a token bucket for all requests of this process, over all workers. A request that finds
// no token is answered, with 429 by default and a retry-after. A route may replace the configuration, and then has a
// bucket of its own.
#pragma once

#include "source/filter/http_filter_factory.h"

namespace weir::extensions::local_ratelimit {

filter::HttpFilterType localRatelimitType();

}  // namespace weir::extensions::local_ratelimit
