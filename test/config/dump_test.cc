#include "source/config/dump.h"

#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "test/config/loading.h"

namespace weir::config {
namespace {

std::string mesh() {
  std::ifstream in("test/config/data/mesh.yaml");
  return std::string((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
}

void expectRoundTrip(const envoy::config::bootstrap::v3::Bootstrap& bootstrap) {
  const std::string yaml = toYaml(bootstrap);
  base::Diagnostics diagnostics;
  const LoadedConfig again = loadText(yaml, Format::kYaml, "dump", "", diagnostics);
  for (const base::Diagnostic& diagnostic : diagnostics.all()) {
    EXPECT_EQ(diagnostic.severity, base::Diagnostic::Severity::kWarning) << render(diagnostics, again.sources) << yaml;
  }
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(bootstrap, again.bootstrap)) << yaml;
  EXPECT_EQ(toYaml(again.bootstrap), yaml);
}

TEST(Yaml, AWholeConfigurationComesBackEqual) {
  const Loaded loaded = load(mesh());
  ASSERT_TRUE(loaded.ok) << loaded.report;
  EXPECT_GT(loaded.config.bootstrap.static_resources().listeners_size(), 0);
  expectRoundTrip(loaded.config.bootstrap);
}

TEST(Yaml, IsWrittenLikeAFile) {
  const Loaded loaded =
      load(withCluster("    connect_timeout: 0.25s\n    per_connection_buffer_limit_bytes: 5\n"
                       "    typed_extension_protocol_options: {x: {}}\n    circuit_breakers: {}\n"));
  EXPECT_EQ(toYaml(loaded.config.bootstrap),
            "static_resources:\n"
            "  clusters:\n"
            "    - name: c\n"
            "      connect_timeout: 0.25s\n"
            "      per_connection_buffer_limit_bytes: 5\n"
            "      circuit_breakers: {}\n"
            "      typed_extension_protocol_options:\n"
            "        x: {}\n");
  EXPECT_EQ(toYaml(envoy::config::bootstrap::v3::Bootstrap()), "{}\n");
}

TEST(Yaml, QuotesWhatWouldBeReadAsSomethingElse) {
  for (const char* text :
       {"on",  "Null", "~",  "5",     "0x10", "1.5",  "- a",  "a: b",        "# no", " lead",    "trail ",      "*x",
        "&x",  "!x",   "%x", "\"q\"", "'q'",  "a\nb", "a\tb", "back\\slash", "\x01", "\xC3\xA9", "{",           "[]",
        "yes", "a#b",  "@x", "`",     "=",    "<<",   "?",    "|",           "inf",  "\x7F",     "%REQ(:PATH)%"}) {
    envoy::config::bootstrap::v3::Bootstrap bootstrap;
    bootstrap.mutable_node()->set_id(text);
    expectRoundTrip(bootstrap);
  }
}

TEST(Yaml, StructsKeepTheKindOfTheirNumbers) {
  const Loaded loaded = load(
      withHcm("          stat_prefix: s\n          route_config: {}\n          access_log: {name: a, typed_config: "
              "{'@type': a/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog, log_format: {json_format: {a: 1, "
              "b: !!float 1.5, c: '1.5', 'on': [null, {x: true}], e: {}, f: []}}}}\n"));
  ASSERT_EQ(loaded.report, "");
  EXPECT_NE(toYaml(loaded.config.bootstrap).find("b: !!float 1.5\n"), std::string::npos);
  expectRoundTrip(loaded.config.bootstrap);
}

TEST(Json, SpellsOutAnyAndKeepsFieldNames) {
  const Loaded loaded = load(mesh());
  const std::string json = toJson(loaded.config.bootstrap);
  EXPECT_NE(json.find("\"stat_prefix\""), std::string::npos);
  EXPECT_NE(json.find("\"@type\": \"type.googleapis.com/envoy.extensions.filters.http.router.v3.Router\""),
            std::string::npos);
  envoy::config::bootstrap::v3::Bootstrap again;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(json, &again).ok());
  EXPECT_EQ(again.static_resources().listeners_size(), loaded.config.bootstrap.static_resources().listeners_size());
}

TEST(Json, SaysWhatCannotBePrinted) {
  envoy::config::bootstrap::v3::Bootstrap bootstrap;
  auto* cluster = bootstrap.mutable_static_resources()->add_clusters();
  google::protobuf::Any& any = (*cluster->mutable_typed_extension_protocol_options())["x"];
  any.set_type_url("type.googleapis.com/no.such.Type");
  any.set_value("x");
  EXPECT_NE(toJson(bootstrap).find("\"error\""), std::string::npos);
}

}  // namespace
}  // namespace weir::config
