// Where plugins come from: files that are good, bad, and change.
#include "source/extensions/plugins/catalogue.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "source/extensions/plugins/sha256.h"
#include "test/extensions/plugins/plugin_world.h"

namespace weir::extensions::plugins {
namespace {

std::string built(const std::string& name) {
  return std::filesystem::absolute("test/extensions/plugins/" + name + ".so").string();
}

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
}

// A file of the test, replaced as tools do it: written beside, then renamed over.
class File {
 public:
  explicit File(const std::string& name) : path_(testing::TempDir() + "/" + name) {}
  ~File() { std::remove(path_.c_str()); }
  void replace(const std::string& bytes) {
    const std::string beside = path_ + ".new";
    std::ofstream(beside, std::ios::binary) << bytes;
    ASSERT_EQ(std::rename(beside.c_str(), path_.c_str()), 0);
  }
  // In place, as cp does it.
  void overwrite(const std::string& bytes) { std::ofstream(path_, std::ios::binary) << bytes; }
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

std::string errorOf(const std::string& config, Setup setup = testSetup()) {
  Catalogue catalogue(std::move(setup));
  harness::FilterWorld world;
  return world.errorsOf(plugin_filter::pluginType(catalogue), config);
}
std::string errorOfFile(const std::string& path) { return errorOf("path: '" + path + "'"); }

// Modules of plugins that are in the process.
size_t loadedObjects() {
  std::ifstream maps("/proc/self/maps");
  size_t count = 0;
  for (std::string line; std::getline(maps, line);) {
    if (line.find("memfd:weir-plugin") != std::string::npos && line.find("r-xp") != std::string::npos) ++count;
  }
  return count;
}

std::string version(PluginWorld& w) {
  const auto x = w.get("version");
  return std::string(x->client.head()->headers.get("x-version").value_or("none"));
}

TEST(CatalogueTest, LoadsASharedObject) {
  PluginWorld w("path: '" + built("probe") + "'");
  EXPECT_EQ(version(w), "1.0");
  EXPECT_EQ(w.get("reply")->status(), 403);
}

TEST(CatalogueTest, FindsAPluginByNameOnTheSearchPath) {
  plugins::Setup setup = testSetup();
  setup.built_in.clear();
  setup.search_path = {"/nowhere", std::filesystem::path(built("probe")).parent_path().string()};
  PluginWorld w("name: 'probe'", std::move(setup));
  EXPECT_EQ(version(w), "1.0");
}

TEST(CatalogueTest, SeveralVersionsAtOnce) {
  PluginWorld one("path: '" + built("probe") + "'");
  PluginWorld two("path: '" + built("probe_two") + "'");
  EXPECT_EQ(version(one), "1.0");
  EXPECT_EQ(version(two), "2.0");
}

TEST(CatalogueTest, EveryBadFileIsAnErrorWithItsPath) {
  const std::string good = read(built("probe"));
  const auto expect = [](const std::string& path, const std::string& what) {
    const std::string error = errorOfFile(path);
    EXPECT_NE(error.find(path), std::string::npos) << error;
    EXPECT_NE(error.find(what), std::string::npos) << error;
    EXPECT_EQ(error.substr(0, 6), "path: ") << error;
  };
  expect("/nowhere/x.so", "No such file");
  expect("/tmp", "is no file");
  File file("bad.so");
  file.replace("#!/bin/sh\n");
  expect(file.path(), "is no shared object");
  file.replace("");
  expect(file.path(), "is no shared object");
  std::string other = good;
  other[18] = 40;  // e_machine: EM_ARM
  file.replace(other);
  expect(file.path(), "is for another processor: arm");
  file.replace(good.substr(0, 4096));  // of what is loaded, whatever symbols are behind it
  expect(file.path(), "cut off");
  std::string executable = good;
  executable[16] = 1;  // e_type: ET_REL
  file.replace(executable);
  expect(file.path(), "-shared");
  expect(built("bad1"), "no symbol weir_plugin_entry");
  expect(built("bad2"), "version 9.0 of the plugin ABI; this weir has 1.1");
  expect(built("bad3"), "lacks one of");
  expect(built("bad4"), "has no version");
  expect(built("bad5"), "calls itself");
  expect(built("bad7"), "descriptor set");
  expect(built("bad8"), "neither an HTTP filter nor");
  expect(built("bad9"), "aligned to 3");
  expect(built("bad10"), "returned null");
  expect(built("bad11"), "undefined symbol: weir_no_such_function");
  expect(built("throwing"), "its entry refused");
}

TEST(CatalogueTest, AnyCutOfAFileIsRefusedOrLoads) {
  const std::string good = read(built("bad6"));
  for (size_t size = 0; size < good.size(); size += 97) {
    EXPECT_FALSE(checkSharedObject(good.substr(0, size)).ok() && size < 64);
  }
}

TEST(CatalogueTest, APluginThatRefusesItsConfigurationNamesThePlace) {
  const auto mode = [](const std::string& value) {
    return errorOf("name: 'probe' configuration { fields { key: 'mode' value { string_value: '" + value + "' } } }");
  };
  EXPECT_EQ(mode("refuse"), "configuration.mode: is refused by the plugin\n");
  EXPECT_EQ(mode("throw_in_config"), "configuration: no such mode\n");
  EXPECT_NE(mode("metric_twice").find("of another kind"), std::string::npos);
  EXPECT_NE(errorOfFile(built("bad6")).find("could not be initialised"), std::string::npos);
}

TEST(CatalogueTest, AConfigurationIsCheckedAgainstThePluginsOwnSchema) {
  const std::string path = std::filesystem::absolute("examples/plugins/add_header/add_header.so").string();
  const std::string error =
      errorOf("path: '" + path +
              "' configuration { fields { key: 'nmae' value { string_value: 'x' } } fields { key: 'value' "
              "value { bool_value: true } } }");
  EXPECT_NE(error.find("configuration.nmae: unknown field 'nmae'; did you mean 'name'?"), std::string::npos) << error;
  EXPECT_NE(error.find("configuration.value: "), std::string::npos) << error;
  EXPECT_NE(errorOfFile(path).find("configuration.name: "), std::string::npos);
}

TEST(CatalogueTest, AnotherChecksumIsRefused) {
  const std::string path = built("probe");
  const std::string sum = sha256(read(path));
  PluginWorld w("path: '" + path + "' sha256: '" + sum + "'");
  EXPECT_EQ(version(w), "1.0");
  const std::string error = errorOf("path: '" + path + "' sha256: '" + std::string(64, 'a') + "'");
  EXPECT_NE(error.find(sum), std::string::npos) << error;
}

TEST(CatalogueTest, ANameThatIsNowhereSaysWhereItWasLookedFor) {
  EXPECT_EQ(errorOf("name: 'nothing'"),
            "name: \"nothing\" is no plugin that is built in (probe), and no --plugin-path was given to look for its "
            "file\n");
}

TEST(CatalogueTest, AChangedFileServesNewStreamsWhileOldOnesStay) {
  File file("swap.so");
  file.replace(read(built("probe")));
  PluginWorld w("path: '" + file.path() + "'");
  auto old = w.harness.open();
  old->get("/", {{"x-do", "version"}});
  old->settle();
  file.replace(read(built("probe_two")));
  w.catalogue.refresh();
  EXPECT_EQ(version(w), "1.0") << "a file that was seen once may still be written";
  w.catalogue.refresh();
  EXPECT_EQ(version(w), "2.0");
  old->answer(200);
  old->settle();
  EXPECT_EQ(old->client.head()->headers.get("x-version"), "1.0");
  old.reset();
  w.catalogue.refresh();
  EXPECT_EQ(loadedObjects(), 1u);
  EXPECT_EQ(w.counter("plugin.probe.swaps"), 1u);
}

TEST(CatalogueTest, OverwritingAFileDoesNotTouchWhatRuns) {
  File file("overwrite.so");
  file.replace(read(built("probe")));
  PluginWorld w("path: '" + file.path() + "'");
  file.overwrite(std::string(100000, 'x'));
  EXPECT_EQ(version(w), "1.0");
}

TEST(CatalogueTest, ABadNewFileKeepsTheOld) {
  File file("bad_swap.so");
  const std::string good = read(built("probe"));
  file.replace(good);
  PluginWorld w("path: '" + file.path() + "'");
  const std::string bad[] = {"no object", good.substr(0, 4096), read(built("bad2")), read(built("bad7")),
                             read(built("bad6"))};
  uint64_t failures = 0;
  for (const std::string& bytes : bad) {
    file.replace(bytes);
    for (int i = 0; i < 4; ++i) w.catalogue.refresh();
    EXPECT_EQ(w.counter("plugin.probe.swap_failures"), ++failures);
    EXPECT_EQ(version(w), "1.0");
  }
  file.replace(read(built("probe_two")));
  for (int i = 0; i < 2; ++i) w.catalogue.refresh();
  EXPECT_EQ(version(w), "2.0");
}

TEST(CatalogueTest, RoutesGetTheConfigurationOfTheNewCode) {
  File file("route_swap.so");
  file.replace(read(built("probe")));
  PluginWorld w("path: '" + file.path() + "'");
  w.harness.addRoute("configuration { fields { key: 'tag' value { string_value: 'kept' } } }");
  EXPECT_EQ(PluginWorld::got(*w.get("route")), "kept");
  file.replace(read(built("probe_two")));
  for (int i = 0; i < 2; ++i) w.catalogue.refresh();
  EXPECT_EQ(version(w), "2.0");
  EXPECT_EQ(PluginWorld::got(*w.get("route")), "kept");
  w.harness.addRoute("configuration { fields { key: 'tag' value { string_value: 'new' } } }");
  EXPECT_EQ(PluginWorld::got(*w.get("route")), "new");
  w.harness.route.configs.clear();
  w.catalogue.refresh();
}

TEST(CatalogueTest, AThousandSwapsUnderLoadFailNoRequest) {
  File file("thousand.so");
  const std::string versions[] = {read(built("probe")), read(built("probe_two"))};
  file.replace(versions[0]);
  PluginWorld w("path: '" + file.path() + "'");
  std::unique_ptr<harness::FilterExchange> slow;
  for (int i = 1; i <= 1000; ++i) {
    if (i % 3 == 0) {  // one that lasts over some swaps
      slow = w.harness.open();
      slow->get("/", {{"x-do", "version"}});
      slow->settle();
    }
    file.replace(versions[i % 2]);
    w.catalogue.refresh();
    w.catalogue.refresh();
    ASSERT_EQ(version(w), i % 2 == 0 ? "1.0" : "2.0") << i;
    if (slow != nullptr && i % 3 == 2) {
      slow->answer(200);
      slow->settle();
      ASSERT_EQ(slow->status(), 200);
      slow.reset();
    }
  }
  slow.reset();
  w.catalogue.refresh();
  EXPECT_EQ(loadedObjects(), 1u);
  EXPECT_EQ(w.counter("plugin.probe.swaps"), 1000u);
  EXPECT_EQ(w.counter("plugin.probe.failures"), 0u);
}

}  // namespace
}  // namespace weir::extensions::plugins
