// Runs a program of buffer operations, given as bytes, on real buffers and on plain strings beside them, and CHECKs
// after each step that both hold the same. Any bytes are a valid program: the random test and the fuzz target share it.
#pragma once

#include <cstdint>
#include <span>

namespace weir::buffer {

void runBufferModel(std::span<const uint8_t> program);

}  // namespace weir::buffer
