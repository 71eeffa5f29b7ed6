// The set_metadata filter: notes about each stream what its configuration says, for filters behind it and for logs.
#pragma once

#include "source/filter/http_filter_factory.h"

namespace weir::extensions::set_metadata {

filter::HttpFilterType setMetadataType();

}  // namespace weir::extensions::set_metadata
