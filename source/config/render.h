// render: diagnostics as the lines that a person reads, in the order of the file:
//
//   file:line:column: field.path: what was seen; what is allowed
//   file:line:column: warning: field.path: message
#pragma once

#include <string>

#include "source/base/diagnostics.h"
#include "source/config/source_map.h"

namespace weir::config {

// One line per diagnostic, each ended by a newline; empty without diagnostics. A part that is not known (the column of
// a binary file, the path of broken syntax) is left out. `sources` must be the one that was filled beside them.
std::string render(const base::Diagnostics& diagnostics, const SourceMap& sources);

}  // namespace weir::config
