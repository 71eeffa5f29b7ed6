// Plugins that were built with the header of every released minor version of the ABI still load, and do what they did.
#include <filesystem>
#include <string>

#include "gtest/gtest.h"
#include "source/extensions/plugins/host_api.h"
#include "source/extensions/plugins/module.h"
#include "test/extensions/plugins/plugin_world.h"

namespace weir::extensions::plugins {
namespace {

constexpr const char* kMinors[] = {"1.0", "1.1"};

std::string object(const std::string& minor, const std::string& name) {
  return std::filesystem::absolute("test/plugins/museum/" + minor + "/" + name + ".so").string();
}

TEST(MuseumTest, EveryHttpFilterRuns) {
  for (const char* const minor : kMinors) {
    PluginWorld w("path: '" + object(minor, "add_header") +
                  "' configuration { fields { key: 'name' value { string_value: 'x-old' } } "
                  "fields { key: 'value' value { string_value: 'still here' } } }");
    const auto x = w.get("");
    EXPECT_EQ(x->upstream.head()->headers.get("x-old"), "still here") << minor;
  }
}

TEST(MuseumTest, EveryNetworkFilterLoads) {
  for (const char* const minor : kMinors) {
    const std::string path = object(minor, "frame_logger");
    const auto module = Module::load(path, readFile(path).value(), hostApi());
    ASSERT_TRUE(module.ok()) << module.status();
    EXPECT_EQ(std::to_string((*module)->abiMajor()) + "." + std::to_string((*module)->abiMinor()), minor);
    EXPECT_NE((*module)->network(), nullptr);
    EXPECT_NE((*module)->network()->data, nullptr);
    EXPECT_EQ((*module)->network()->output != nullptr, minor != std::string("1.0"));
  }
}

// A table that is shorter than ours, as an older minor version would have it, and one that is longer.
TEST(MuseumTest, TablesOfOtherSizesAreTaken) {
  struct Longer {
    weir_plugin plugin;
    char more[64];
  };
  static const weir_http_filter* const whole = weir_plugin_entry_probe(&hostApi())->http;
  static weir_http_filter shorter = *whole;
  shorter.size = offsetof(weir_http_filter, timer);
  static Longer longer{*weir_plugin_entry_probe(&hostApi()), {}};
  longer.plugin.size = sizeof(longer);
  longer.plugin.minor = 99;
  longer.plugin.http = &shorter;
  const auto module = Module::builtIn(
      "probe", [](const weir_host_api*) -> const weir_plugin* { return &longer.plugin; }, hostApi());
  ASSERT_TRUE(module.ok()) << module.status();
  EXPECT_NE((*module)->http()->complete, nullptr);
  EXPECT_EQ((*module)->http()->timer, nullptr);
  EXPECT_EQ((*module)->http()->call_done, nullptr);
}

}  // namespace
}  // namespace weir::extensions::plugins
