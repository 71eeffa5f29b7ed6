// supportedXds: the page that lists every message and field of the xDS API that weir honours, written from the linked
// descriptors alone, so that it cannot say anything else than the loader does. docs/xds-support.md is its output.
#pragma once

#include <string>

namespace weir::config {

// Markdown, the same bytes for the same descriptors.
std::string supportedXds();

}  // namespace weir::config
