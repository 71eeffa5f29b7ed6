// Metadata as logs, headers and descriptors show it.
#pragma once

#include <string>

#include "source/base/metadata.h"

namespace weir::filter {

// Appends `value` as JSON without spaces, fields in the order of their names.
void appendMetadataJson(const base::Metadata& value, std::string& out);
// The same, but a text that is not inside anything stands as it is, without quotes.
void appendMetadataText(const base::Metadata& value, std::string& out);

}  // namespace weir::filter
