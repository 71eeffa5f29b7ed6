// The health check filter: requests whose headers match are health checks of weir itself. They are marked as such for
// the access log, and answered with 200 here, unless the filter is in pass-through mode.
#pragma once

#include "source/filter/http_filter_factory.h"

namespace weir::extensions::health_check {

filter::HttpFilterType healthCheckType();

}  // namespace weir::extensions::health_check
