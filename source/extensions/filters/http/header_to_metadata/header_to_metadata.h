// The header_to_metadata filter: notes about a stream what its headers and cookies say, for filters behind it and for
// logs. The rules of a route take the place of the filter's own.
#pragma once

#include "source/filter/http_filter_factory.h"

namespace weir::extensions::header_to_metadata {

filter::HttpFilterType headerToMetadataType();

}  // namespace weir::extensions::header_to_metadata
