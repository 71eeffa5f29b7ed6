#include <cstddef>
#include <cstdint>

#include "test/filter/chain_model.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weir::filter::runChainProgram({data, size});
  return 0;
}
