#include <cstddef>
#include <cstdint>

#include "test/extensions/plugins/plugin_model.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size <= 4096) weir::extensions::plugins::runPluginProgram({data, size});
  return 0;
}
