// inspectFilter: what a plugin says about itself: name, versions, hooks, and the fields of its configurations.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace weir::server {

// `path` of the shared object. Text for a person, a line per fact. The error is that of loading it.
absl::StatusOr<std::string> inspectFilter(const std::string& path);

}  // namespace weir::server
