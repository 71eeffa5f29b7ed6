#include <cstddef>
#include <cstdint>

#include "test/buffer/buffer_model.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size <= 4096) weir::buffer::runBufferModel({data, size});
  return 0;
}
