// Zstandard (RFC 8878), by the library of that name.
#pragma once

#include <cstddef>
#include <memory>

#include "source/extensions/compression/coder.h"

namespace weir::extensions::compression {

struct ZstdOptions {
  int level = 3;
  bool checksum = false;
  int strategy = 0;  // 0: that of the level; else 1 (fast) to 9 (ultra)
  size_t chunk_bytes = 4096;
};
std::unique_ptr<const Library> zstdLibrary(const ZstdOptions& options);
// Of the levels that the library has.
int zstdMaxLevel();

}  // namespace weir::extensions::compression
