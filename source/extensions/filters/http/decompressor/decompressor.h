// The decompressor filter: takes compressed bodies of requests and responses apart while they pass. A body that is
// damaged or grows beyond its ratio is refused: 400 to the client, or 502 for an upstream's.
#pragma once

#include "source/filter/http_filter_factory.h"

namespace weir::extensions::decompressor {

filter::HttpFilterType decompressorType();

}  // namespace weir::extensions::decompressor
