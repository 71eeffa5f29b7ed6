#include "source/config/loader.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "test/config/loading.h"

namespace weir::config {
namespace {

std::string path(const std::string& name) { return std::string(std::getenv("TEST_TMPDIR")) + "/" + name; }

std::string write(const std::string& name, std::string_view text) {
  std::ofstream(path(name), std::ios::binary) << text;
  return path(name);
}

Loaded loadPath(const std::string& file, std::string_view overlay = "") {
  base::Diagnostics diagnostics;
  Loaded out;
  out.config = loadFile(file, overlay, diagnostics);
  out.ok = diagnostics.ok();
  out.report = render(diagnostics, out.config.sources);
  return out;
}

TEST(Loader, TheEndOfTheNameGivesTheFormat) {
  envoy::config::bootstrap::v3::Bootstrap bootstrap;
  bootstrap.mutable_node()->set_id("a");
  for (const auto& [name, text] : {std::pair<std::string, std::string>{"a.yaml", "node: {id: a}"},
                                   {"a.yml", "node:\n  id: a"},
                                   {"a.json", "{\"node\": {\"id\": \"a\"}}"},
                                   {"a.conf", "{\"node\": {\"id\": \"a\"}}"},
                                   {"a.pb_text", "node { id: \"a\" }"},
                                   {"a.pb", bootstrap.SerializeAsString()}}) {
    const Loaded loaded = loadPath(write(name, text));
    EXPECT_EQ(loaded.report, "") << name;
    EXPECT_EQ(loaded.config.bootstrap.node().id(), "a") << name;
  }
}

TEST(Loader, SaysWhyAFileCannotBeRead) {
  EXPECT_EQ(loadPath(path("none.yaml")).report, path("none.yaml") + ": cannot be read: No such file or directory\n");
  mkdir(path("folder.yaml").c_str(), 0755);
  EXPECT_EQ(loadPath(path("folder.yaml")).report, path("folder.yaml") + ": is a directory; expected a file\n");
  EXPECT_EQ(loadPath(write("empty.yaml", "")).report,
            path("empty.yaml") + ": is empty; expected a configuration with static_resources\n");
  EXPECT_EQ(loadPath(write("empty.json", " \n")).report,
            path("empty.json") + ": is empty; expected a configuration with static_resources\n");
  EXPECT_EQ(loadPath(write("empty.pb", "")).report, path("empty.pb") + ": is empty; expected a configuration\n");
  write("large.yaml", "a");
  ASSERT_EQ(truncate(path("large.yaml").c_str(), (64 << 20) + 1), 0);
  EXPECT_EQ(loadPath(path("large.yaml")).report, path("large.yaml") + ": is larger than 64 MiB, which is the limit\n");
  unlink(path("large.yaml").c_str());
}

TEST(Loader, ReportsProtobufFilesByWhatIsKnown) {
  EXPECT_EQ(load("node { clustr: \"b\" }", Format::kText).report,
            "t.yaml:1:14: Message type \"envoy.config.core.v3.Node\" has no field named \"clustr\".\n");
  EXPECT_EQ(load("\x08\x01", Format::kBinary).report,
            "t.yaml: field number 1 of envoy.config.bootstrap.v3.Bootstrap is not implemented by weir\n");
  EXPECT_EQ(load("\xFF", Format::kBinary).report,
            "t.yaml: is no envoy.config.bootstrap.v3.Bootstrap in protobuf's binary form\n");
  EXPECT_EQ(load("static_resources { clusters { } }", Format::kText).report,
            "t.yaml: static_resources.clusters[0].name: is missing or empty; it is required\n");
}

TEST(Loader, OverlayAppendsListsAndReplacesScalars) {
  const std::string base = "node: {id: a, cluster: b}\nstatic_resources: {clusters: [{name: c}]}\n";
  const Loaded loaded = load(base, Format::kYaml, "node: {id: z}\nstatic_resources: {clusters: {name: d}}");
  EXPECT_EQ(loaded.report, "");
  EXPECT_EQ(loaded.config.bootstrap.node().id(), "z");
  EXPECT_EQ(loaded.config.bootstrap.node().cluster(), "b");
  ASSERT_EQ(loaded.config.bootstrap.static_resources().clusters_size(), 2);
  EXPECT_EQ(loaded.config.bootstrap.static_resources().clusters(1).name(), "d");
}

TEST(Loader, ErrorsOfTheOverlayAreNamedAfterIt) {
  const Loaded loaded = load("static_resources: {clusters: [{name: c}]}\n", Format::kYaml,
                             "static_resources:\n  clusters:\n  - name: d\n    connect_timeout: 0s\n  - nam: x\n");
  EXPECT_EQ(loaded.report,
            "<config-yaml>:4:22: static_resources.clusters[1].connect_timeout: saw 0s; must be greater than 0s\n"
            "<config-yaml>:5:5: static_resources.clusters[2].nam: unknown field 'nam'; did you mean 'name'?\n");
}

TEST(Loader, TheOverlayAloneIsEnough) {
  const Loaded loaded = loadPath("", "node: {id: a}");
  EXPECT_EQ(loaded.report, "");
  EXPECT_EQ(loaded.config.bootstrap.node().id(), "a");
}

TEST(SourceMap, FindsTheFieldOrTheNearestAround) {
  const Loaded loaded =
      load(withRoute("{match: {prefix: /}, route: {cluster: c}, typed_per_filter_config: {\"a.\\\"b\": "
                     "{'@type': a/envoy.extensions.filters.http.buffer.v3.BufferPerRoute, disabled: "
                     "true}}}"));
  ASSERT_EQ(loaded.report, "");
  const SourceMap& sources = loaded.config.sources;
  const std::string hcm = "static_resources.listeners[0].filter_chains[0].filters[0].typed_config";
  const std::string route = hcm + ".route_config.virtual_hosts[0].routes[0]";
  const auto at = [&](const std::string& where) {
    const Position position = sources.find(where);
    return position.file + ":" + std::to_string(position.line) + ":" + std::to_string(position.column);
  };
  EXPECT_EQ(at(hcm + ".stat_prefix"), "t.yaml:9:24");
  EXPECT_EQ(at(hcm + ".stat_prefixes"), "t.yaml:7:9");
  EXPECT_EQ(at(route + ".route.cluster"), "t.yaml:14:62");
  EXPECT_EQ(at(route + ".route.timeout"), "t.yaml:14:45");
  EXPECT_EQ(at(route + ".typed_per_filter_config[\"a.\\\"b\"].disabled"), "t.yaml:14:179");
  EXPECT_EQ(at(hcm + ".route_config.virtual_hosts[7].name"), "t.yaml:11:13");
  EXPECT_EQ(at("nothing"), "t.yaml:0:0");
}

}  // namespace
}  // namespace weir::config
