// The local_ratelimit network filter: how the registry makes it. Called at start, before any configuration.
#pragma once

#include "source/filter/network_filter_factory.h"

namespace weir::extensions::network_local_ratelimit {

filter::NetworkFilterType localRatelimitType();

}  // namespace weir::extensions::network_local_ratelimit
