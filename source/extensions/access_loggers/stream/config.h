// The access loggers to the standard streams (StdoutAccessLog, StderrAccessLog): how the registry makes them. Called at
// start, before any configuration.
#pragma once

#include "source/proxy/session_factory.h"

namespace weir::extensions::stream_access_log {

proxy::AccessLogType stdoutType();
proxy::AccessLogType stderrType();

}  // namespace weir::extensions::stream_access_log
