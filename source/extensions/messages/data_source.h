// Reads a DataSource (a file, inline bytes or text, an environment variable) at load, on the main thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "source/base/diagnostics.h"

namespace envoy::config::core::v3 {
class DataSource;
}

namespace weir::extensions {

// None after an error was reported: unreadable, not set, or more than `max_bytes`. With `schema_only` what needs the
// machine (files, environment) is not read and gives an empty text.
std::optional<std::string> readDataSource(const envoy::config::core::v3::DataSource& source, size_t max_bytes,
                                          bool schema_only, base::Diagnostics& diagnostics,
                                          const base::FieldPath& path);

}  // namespace weir::extensions
