// The compressor filter: compresses responses for clients that say they can read that, and requests where it is told
// to, while they pass. What is compressed already, must not be changed or is too small stays as it is.
#pragma once

#include "source/filter/http_filter_factory.h"

namespace weir::extensions::compressor {

filter::HttpFilterType compressorType();

}  // namespace weir::extensions::compressor
