// The buffer filter: hands a request on when it is there whole, so that an upstream is not held up by a slow client; a
// body above the limit is answered with 413. A route may set another limit or switch it off.
#pragma once

#include "source/filter/http_filter_factory.h"

namespace weir::extensions::buffer_filter {

filter::HttpFilterType bufferType();

}  // namespace weir::extensions::buffer_filter
