// The connection_limit network filter: how the registry makes it. Called at start, before any configuration.
#pragma once

#include "source/filter/network_filter_factory.h"

namespace weir::extensions::connection_limit {

filter::NetworkFilterType connectionLimitType();

}  // namespace weir::extensions::connection_limit
