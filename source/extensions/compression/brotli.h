// Brotli (RFC 7932), by the library of that name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "source/extensions/compression/coder.h"

namespace weir::extensions::compression {

struct BrotliOptions {
  uint32_t quality = 3;  // 0 to 11
  uint32_t mode = 0;     // 0 generic, 1 text, 2 font
  uint32_t window_bits = 18;
  uint32_t input_block_bits = 24;
  size_t chunk_bytes = 4096;
  bool no_literal_context = false;
};
std::unique_ptr<const Library> brotliLibrary(const BrotliOptions& options);

}  // namespace weir::extensions::compression
