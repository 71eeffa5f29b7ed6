// The health check filter: requests whose headers match are health checks of weir itself. They are marked as such for
// the access log, and answered with 200 here, unless the filter is in pass-through mode. While weir shuts down they are
// answered with 503 in both modes, so that whoever sends requests here turns elsewhere.
#pragma once

#include "source/filter/http_filter_factory.h"

namespace weir::extensions::health_check {

filter::HttpFilterType healthCheckType();

}  // namespace weir::extensions::health_check
