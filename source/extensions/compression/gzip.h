// gzip (RFC 1952), by zlib.
#pragma once

#include <cstddef>
#include <memory>

#include "source/extensions/compression/coder.h"

namespace weir::extensions::compression {

struct GzipOptions {
  int level = -1;  // zlib's own default; else 1 (fast) to 9 (small)
  int strategy = 0;
  int memory_level = 5;
  int window_bits = 12;       // 9 to 15
  size_t chunk_bytes = 4096;  // of output at once
};
std::unique_ptr<const Library> gzipLibrary(const GzipOptions& options);

struct GunzipOptions {
  int window_bits = 15;
  size_t chunk_bytes = 4096;
  uint32_t max_ratio = 100;  // of what comes out to what went in; above it the body is refused
};
std::unique_ptr<const Library> gunzipLibrary(const GunzipOptions& options);

}  // namespace weir::extensions::compression
