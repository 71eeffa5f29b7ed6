// PluginWorld: a plugin filter in a FilterHarness, from a shared object or built in, with its catalogue.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "source/config/struct_message.h"
#include "source/extensions/filters/http/plugin/plugin.h"
#include "source/extensions/plugins/catalogue.h"
#include "test/harness/filter/filter_harness.h"

extern "C" const weir_plugin* weir_plugin_entry_probe(const weir_host_api* host);

namespace weir::extensions::plugins {

inline Setup testSetup() {
  Setup setup;
  setup.read_struct = config::readStruct;
  setup.built_in = {{"probe", weir_plugin_entry_probe}};
  return setup;
}

class PluginWorld {
 public:
  explicit PluginWorld(std::string_view config, Setup setup = testSetup())
      : catalogue(std::move(setup)), harness(plugin_filter::pluginType(catalogue), config) {}

  // The catalogue outlives the filters and their world.
  Catalogue catalogue;
  harness::FilterHarness harness;

  // A GET with that x-do, answered by an upstream with 200.
  std::unique_ptr<harness::FilterExchange> get(std::string_view what) {
    return harness.get({{"x-do", what}}, absl::Milliseconds(100));
  }
  // What the plugin left in x-got for the upstream.
  static std::string got(const harness::FilterExchange& exchange) {
    const http::Head* const head = exchange.upstream.head();
    return std::string(head == nullptr ? "nothing" : head->headers.get("x-got").value_or("nothing"));
  }
  uint64_t counter(std::string_view name) const { return harness.world.counter(name); }
};

}  // namespace weir::extensions::plugins
