// The errors of form and of meaning in one file; and that a file with a fault anywhere reports it and nothing else. The
// files named on the command line are mutated: each key misspelt, each value replaced.
#include "source/server/compile/compile_loaded.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "source/base/strings.h"
#include "test/server/server_world.h"

namespace weir::server {
namespace {

constexpr char kHcm[] =
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
constexpr char kRouter[] =
    R"({name: router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}})";

// A listener with one route; the name is on its first line, `more` on the second, the route on the ninth.
std::string listener(std::string_view name, std::string_view more, std::string_view route,
                     std::string_view filters = kRouter) {
  return absl::StrCat("  - name: ", base::av(name), "\n    ", base::av(more),
                      "\n    address: {socket_address: {address: 127.0.0.1, port_value: 0}}\n    filter_chains:\n"
                      "    - filters:\n      - name: hcm\n        typed_config:\n          \"@type\": ",
                      kHcm, "\n          route_config: {virtual_hosts: [{name: v, domains: ['*'], routes: [",
                      base::av(route), "]}]}\n          stat_prefix: s\n          http_filters: [", base::av(filters),
                      "]\n");
}

const std::string kToNowhere = "{match: {prefix: /}, route: {cluster: nowhere}}";
const std::string kHello = "{match: {prefix: /}, direct_response: {status: 200}}";
const std::string kStart = "static_resources:\n  listeners:\n";

std::string run(const std::string& yaml) {
  const CompileRun done(yaml, true);
  EXPECT_EQ(done.config == nullptr, done.errors != 0);
  return done.report;
}

constexpr char kNowhere[] =
    "static_resources.listeners[1].filter_chains[0].filters[0].typed_config.route_config.virtual_hosts[0].routes[0]."
    "route.cluster: no cluster is named 'nowhere'; allowed: the name of a cluster in static_resources.clusters\n";

TEST(CompileLoaded, ReportsErrorsOfFormAndOfMeaningInOneRun) {
  EXPECT_EQ(run(kStart + listener("a", "stat_prefixx: x", kHello) + listener("b", "stat_prefix: other", kToNowhere)),
            std::string("test.yaml:4:5: static_resources.listeners[0].stat_prefixx: unknown field 'stat_prefixx'; did "
                        "you mean 'stat_prefix'?\ntest.yaml:22:115: ") +
                kNowhere);
}

TEST(CompileLoaded, AFaultInAClusterLeavesItsNameKnown) {
  const std::string clusters = "  clusters:\n  - {name: here, lb_policyy: RANDOM}\n";
  const std::string report = run(kStart + listener("a", "", "{match: {prefix: /}, route: {cluster: here}}") +
                                 listener("b", "", kToNowhere) + clusters);
  EXPECT_EQ(std::count(report.begin(), report.end(), '\n'), 2) << report;
  EXPECT_NE(report.find(kNowhere), std::string::npos) << report;
  EXPECT_NE(report.find("did you mean 'lb_policy'?"), std::string::npos) << report;
}

TEST(CompileLoaded, ClustersThatCouldNotBeReadMayHaveAnyName) {
  for (const char* const clusters :
       {"  clusters: [{nam: nowhere}]\n", "  clusterz: [{name: nowhere}]\n", "  clusters: [{name: [1]}]\n"}) {
    const std::string report = run(kStart + listener("a", "", kToNowhere) + clusters);
    EXPECT_EQ(std::count(report.begin(), report.end(), '\n'), 1) << report;
    EXPECT_EQ(report.find("no cluster is named"), std::string::npos) << report;
  }
}

TEST(CompileLoaded, AFilterThatCouldNotBeReadExplainsSettingsForIt) {
  const std::string route =
      "{match: {prefix: /}, direct_response: {status: 200}, typed_per_filter_config: {cors: {'@type': "
      "a/envoy.extensions.filters.http.cors.v3.CorsPolicy}}}";
  const std::string filters = "{name: cors, typed_config: {'@type': a/envoy.extensions.filters.http.cors.v3.Corse}}, ";
  const std::string report = run(kStart + listener("a", "", route, filters + kRouter));
  EXPECT_EQ(std::count(report.begin(), report.end(), '\n'), 1) << report;
  EXPECT_NE(report.find("did you mean 'envoy.extensions.filters.http.cors.v3.Cors'?"), std::string::npos) << report;
}

TEST(CompileLoaded, ATextThatIsNoYamlIsOneError) {
  const CompileRun broken("admin: {}\nstatic_resources: [\n", true);
  EXPECT_EQ(std::count(broken.report.begin(), broken.report.end(), '\n'), 1) << broken.report;
}

TEST(CompileLoaded, WarningsStandBesideErrors) {
  const std::string report = run(kStart + listener("a", "stat_prefixx: x", kHello) +
                                 "admin: {address: {socket_address: {address: 0.0.0.0, port_value: 1}}}\n");
  EXPECT_NE(report.find("warning: admin.address: 0.0.0.0:1 opens the admin endpoint"), std::string::npos) << report;
}

class Mutation : public testing::Test {
 public:
  explicit Mutation(std::string file) : file_(std::move(file)) {}

  void TestBody() override {
    std::ifstream in(file_, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    const CompileRun whole(text, true);
    ASSERT_EQ(whole.errors, 0u) << whole.report;
    size_t keys = 0;
    for (size_t colon = text.find(':'); colon != std::string::npos; colon = text.find(':', colon + 1)) {
      const size_t end = text.find_first_not_of(' ', colon + 1);
      if (end == colon + 1 && text[end] != '\n') continue;  // not the end of a key
      const size_t start = text.find_last_not_of("abcdefghijklmnopqrstuvwxyz0123456789_", colon - 1) + 1;
      if (start == colon || inComment(text, start)) continue;
      SCOPED_TRACE(absl::StrCat(file_, " byte ", start, ": ", text.substr(start, colon - start)));
      ++keys;
      misspell(text, colon);
      const size_t stop = text.find_first_of(",}]\n", end);
      if (end == std::string::npos || stop == std::string::npos || text.find_first_of("[{\n", end) < stop) continue;
      for (const char* const value : {"7", "-1", "99999999999", "[]", "{}", "[x]", "''", "x", "0.0.0.0", "0s", "-1s"}) {
        replace(text, end, stop, value);
      }
    }
    EXPECT_GT(keys, 10u);
  }

 private:
  static bool inComment(const std::string& text, size_t at) {
    const size_t line = text.rfind('\n', at);
    const size_t first = text.find_first_not_of(" \n", line == std::string::npos ? 0 : line);
    return first != std::string::npos && text[first] == '#';
  }

  // A key that is no field's name is one error, and nothing that it takes along is another.
  static void misspell(std::string text, size_t colon) {
    const CompileRun run(text.insert(colon, "q"), true);
    if (run.report.find("; did you mean") == std::string::npos) return;  // a key that the user makes up
    EXPECT_EQ(run.errors, 1u) << run.report;
  }

  static void replace(std::string text, size_t from, size_t to, const char* value) {
    const CompileRun run(text.replace(from, to - from, value), true);
    EXPECT_EQ(run.config == nullptr, run.errors != 0) << run.report;
  }

  const std::string file_;
};

}  // namespace
}  // namespace weir::server

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc < 2) return 1;
  for (int i = 1; i < argc; ++i) {
    const std::string file = argv[i];
    testing::RegisterTest("Mutation", file.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                          [file]() -> testing::Test* { return new weir::server::Mutation(file); });
  }
  return RUN_ALL_TESTS();
}
