// Any text, as YAML and as the other formats, compiles or is refused with a report, also where it was read in part
// only; it never crashes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "source/config/loader.h"
#include "source/config/render.h"
#include "source/extensions/registry.h"
#include "source/server/compile/compile_loaded.h"
#include "test/harness/sim/sim_clock.h"
#include "test/server/fake_sinks.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const std::unique_ptr<const extensions::Registry> extensions = extensions::makeRegistry();
  for (const auto format :
       {config::Format::kYaml, config::Format::kJson, config::Format::kBinary, config::Format::kText}) {
    base::Diagnostics diagnostics;
    const config::LoadedConfig loaded = config::loadText(text, format, "f", "", diagnostics);
    harness::SimClock clock;
    stats::Registry stats;
    server::FakeSinks sinks;
    const auto config = server::compileLoaded(loaded, {stats, clock, *extensions, sinks, true}, diagnostics);
    if ((config == nullptr) == diagnostics.ok()) abort();
    if (config == nullptr && config::render(diagnostics, loaded.sources).empty()) abort();
  }
  return 0;
}
