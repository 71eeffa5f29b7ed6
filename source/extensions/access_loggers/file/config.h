// The access logger to a file (FileAccessLog): how the registry makes it. Called at start, before any configuration.
#pragma once

#include "source/proxy/session_factory.h"

namespace weir::extensions::file_access_log {

proxy::AccessLogType type();

}  // namespace weir::extensions::file_access_log
