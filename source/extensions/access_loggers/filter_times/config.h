// The access logger that records the times of the HTTP filters in histograms instead of writing lines (FilterTimes):
// how the registry makes it. Called at start, before any configuration.
#pragma once

#include "source/proxy/session_factory.h"

namespace weir::extensions::filter_times_log {

proxy::AccessLogType type();

}  // namespace weir::extensions::filter_times_log
