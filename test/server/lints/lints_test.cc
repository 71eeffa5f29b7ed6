#include "source/server/lints/lints.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "source/config/loader.h"
#include "source/config/render.h"

namespace weir::server {
namespace {

std::string lintText(const std::string& yaml) {
  base::Diagnostics diagnostics;
  const config::LoadedConfig loaded = config::loadText(yaml, config::Format::kYaml, "f", "", diagnostics);
  EXPECT_TRUE(diagnostics.ok()) << config::render(diagnostics, loaded.sources);
  base::Diagnostics found;
  lint(loaded.bootstrap, found);
  return config::render(found, loaded.sources);
}

// A listener on `port` with those routes (YAML flow items) and a cluster "c" of an endpoint on `upstream`.
std::string withRoutes(const std::vector<std::string>& routes, int upstream = 2, const std::string& filters = "") {
  std::string yaml =
      R"(static_resources:
  clusters:
  - name: c
    load_assignment: { cluster_name: c, endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: )" +
      std::to_string(upstream) + R"( } } } }] }] }
  listeners:
  - address: { socket_address: { address: 0.0.0.0, port_value: 1 } }
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: p
          http_filters: [)" +
      filters +
      R"({ name: r, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router } }]
          route_config:
            virtual_hosts:
            - name: h
              domains: ["*"]
              routes:
)";
  for (const std::string& route : routes) yaml += "              - " + route + "\n";
  return yaml;
}

std::string matching(const std::string& match) {
  return "{ match: { " + match + " }, route: { cluster: c, timeout: 1s } }";
}

struct ShadowCase {
  const char* first;
  const char* second;
  bool shadowed;
};

TEST(LintsTest, FindsRoutesThatNeverMatch) {
  const ShadowCase cases[] = {
      {"prefix: /", "prefix: /a", true},
      {"prefix: /a", "prefix: /", false},
      {"prefix: /a", "path: /ab", true},
      {"prefix: /a", "path: /b", false},
      {"prefix: /a", "path_separated_prefix: /ab", true},
      {"prefix: /a", "safe_regex: { regex: '/a/[0-9]+' }", true},
      {"prefix: /a/b", "safe_regex: { regex: '/a/[0-9]+' }", false},
      {"path: /a", "path: /a", true},
      {"path: /a", "prefix: /a", false},
      {"path: /a", "path: /A", false},
      {"path: /a, case_sensitive: false", "path: /A", true},
      {"path: /a", "path: /a, case_sensitive: false", false},
      {"prefix: /1", "path: /12, case_sensitive: false", true},
      {"path_separated_prefix: /a", "path: /a", true},
      {"path_separated_prefix: /a", "prefix: /a", false},
      {"path_separated_prefix: /a", "prefix: /a/", true},
      {"path_separated_prefix: /a", "path: /ab", false},
      {"safe_regex: { regex: '.*' }", "path: /a", true},
      {"safe_regex: { regex: '/x+' }", "safe_regex: { regex: '/x+' }", true},
      {"safe_regex: { regex: '/x+' }", "path: /x", false},
      {"connect_matcher: {}", "connect_matcher: {}", true},
      {"prefix: /", "connect_matcher: {}", false},
      {"prefix: /, headers: [{ name: a }]", "prefix: /b", false},
      {"prefix: /, headers: [{ name: a }]", "prefix: /b, headers: [{ name: b }, { name: a }]", true},
      {"prefix: /, grpc: {}", "prefix: /b, grpc: {}", true},
      {"prefix: /, runtime_fraction: { default_value: { numerator: 50 } }", "prefix: /", false},
      {"prefix: /, runtime_fraction: { default_value: { numerator: 100 } }", "prefix: /", true},
  };
  for (const ShadowCase& c : cases) {
    const std::string text = lintText(withRoutes({matching(c.first), matching(c.second)}));
    EXPECT_EQ(text.find("never matches: routes[0], which stands before it") != std::string::npos, c.shadowed)
        << c.first << " / " << c.second << ": " << text;
    EXPECT_EQ(text.find(".routes[1]:") != std::string::npos, c.shadowed) << text;
  }
}

TEST(LintsTest, FindsClustersThatNothingUses) {
  const std::string unused = "static_resources: { clusters: [{ name: lone }] }";
  EXPECT_NE(lintText(unused).find("nothing uses the cluster 'lone'"), std::string::npos);
  EXPECT_EQ(lintText(withRoutes({matching("prefix: /")})), "");
  const std::string by_header = "{ match: { prefix: / }, route: { cluster_header: x, timeout: 1s } }";
  EXPECT_EQ(lintText(withRoutes({by_header})), "");
}

TEST(LintsTest, FindsStreamsUnderTheDefaultTimeout) {
  const auto seen = [](const std::string& route, const std::string& filters = "") {
    return lintText(withRoutes({route}, 2, filters)).find("default timeout of 15s") != std::string::npos;
  };
  EXPECT_TRUE(seen("{ match: { prefix: /, grpc: {} }, route: { cluster: c } }"));
  EXPECT_TRUE(
      seen("{ match: { prefix: /, headers: [{ name: content-type, string_match: { prefix: application/grpc } }] }, "
           "route: { cluster: c } }"));
  EXPECT_FALSE(seen("{ match: { prefix: / }, route: { cluster: c } }"));
  EXPECT_FALSE(seen("{ match: { prefix: /, grpc: {} }, route: { cluster: c, timeout: 0s } }"));
  EXPECT_FALSE(
      seen("{ match: { prefix: /, grpc: {} }, route: { cluster: c, max_stream_duration: { "
           "grpc_timeout_header_max: 0s } } }"));
  EXPECT_TRUE(seen("{ match: { prefix: / }, route: { cluster: c } }",
                   "{ name: g, typed_config: { \"@type\": "
                   "type.googleapis.com/envoy.extensions.filters.http.grpc_web.v3.GrpcWeb } }, "));
}

TEST(LintsTest, FindsRetriesThatMultiply) {
  const std::string retrying =
      "{ match: { prefix: / }, route: { cluster: c, timeout: 1s, retry_policy: { retry_on: 5xx, num_retries: 3 } } }";
  EXPECT_NE(lintText(withRoutes({retrying}, 1)).find("becomes up to 16"), std::string::npos);
  EXPECT_EQ(lintText(withRoutes({retrying}, 2)), "");
  EXPECT_EQ(lintText(withRoutes({matching("prefix: /")}, 1)), "");
}

}  // namespace
}  // namespace weir::server
