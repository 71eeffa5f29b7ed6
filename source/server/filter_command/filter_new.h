// newFilter: a filter plugin to begin with: a folder with the filter, its test, a script that builds both, a
// configuration that runs it, and the headers.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace weir::server {

// `name` is what the plugin and its folder, in the working directory, are called: [a-z][a-z0-9_]*. Returns what to do
// next, as text for a person.
absl::StatusOr<std::string> newFilter(std::string_view name);

}  // namespace weir::server
