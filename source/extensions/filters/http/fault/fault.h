// The fault filter: delays and aborts a share of the requests that match, on purpose. A route may replace its
// configuration.
#pragma once

#include "source/filter/http_filter_factory.h"

namespace weir::extensions::fault {

filter::HttpFilterType faultType();

}  // namespace weir::extensions::fault
