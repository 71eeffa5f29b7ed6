// Whole configurations and questions in, answers out.
#include "source/server/explain/explain.h"

#include <string>

#include "gtest/gtest.h"
#include "test/server/server_world.h"

namespace weir::server {
namespace {

constexpr std::string_view kConfig = R"(static_resources:
  listeners:
  - name: front
    address: { socket_address: { address: 127.0.0.1, port_value: 8080 } }
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: front
          stream_idle_timeout: 7s
          route_config:
            virtual_hosts:
            - name: shop
              domains: ["*.shop.test"]
              routes:
              - match: { prefix: /admin }
                direct_response: { status: 403 }
              - name: beta
                match:
                  prefix: /api
                  headers: [{ name: x-beta, string_match: { exact: "yes" } }]
                route: { cluster: beta }
              - match: { prefix: /api }
                route:
                  cluster: api
                  timeout: 3s
                  prefix_rewrite: /v1
                  retry_policy: { retry_on: "5xx,reset", num_retries: 2 }
                typed_per_filter_config:
                  envoy.filters.http.buffer:
                    "@type": type.googleapis.com/envoy.extensions.filters.http.buffer.v3.BufferPerRoute
                    buffer: { max_request_bytes: 9 }
            - name: secure
              domains: [secure.test]
              require_tls: ALL
              routes: []
          http_filters:
          - name: envoy.filters.http.buffer
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer
              max_request_bytes: 5
          - name: envoy.filters.http.router
            typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
  clusters:
  - name: api
    connect_timeout: 2s
    load_assignment:
      cluster_name: api
      endpoints:
      - lb_endpoints:
        - endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: 9001 } } }
        - endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: 9002 } } }
          health_status: UNHEALTHY
  - name: beta
    load_assignment: { cluster_name: beta }
)";

// The answer as text, with its runs of spaces as one.
std::string ask(const std::string& words, const std::vector<std::string>& headers = {}) {
  const CompileRun run(kConfig);
  EXPECT_EQ(run.errors, 0u) << run.report;
  const auto question = parseQuestion(words, headers);
  EXPECT_TRUE(question.ok()) << question.status();
  const auto answer = explain(*question, run.loaded, *run.config);
  if (!answer.ok()) return std::string(answer.status().message());
  std::string squeezed;
  for (const char c : toText(*answer)) {
    if (c != ' ' || (!squeezed.empty() && squeezed.back() != ' ')) squeezed += c;
  }
  return squeezed;
}

void expectParts(const std::string& answer, const std::vector<const char*>& parts) {
  size_t at = 0;
  for (const char* const part : parts) {
    const size_t found = answer.find(part, at);
    EXPECT_NE(found, std::string::npos) << "\"" << part << "\" in this order in\n" << answer;
    if (found != std::string::npos) at = found;
  }
}

TEST(ExplainTest, TellsEachStepWithItsPlace) {
  expectParts(ask("GET http://a.shop.test:8080/api/x?y=1"),
              {"GET http://a.shop.test:8080/api/x?y=1\n", "listener front test.yaml:3\n", "filter chain 0 test.yaml:6",
               "virtual host none has a domain for \"a.shop.test:8080\""});
  expectParts(ask("GET http://a.shop.test/api/x?y=1"), {"listener front",
                                                        "note no listener that takes this has port 80",
                                                        "virtual host shop test.yaml:14\n",
                                                        "domain *.shop.test test.yaml:15\n",
                                                        "route 0 prefix /admin test.yaml:17\n",
                                                        "result no: another path",
                                                        "route 1 prefix /api, header x-beta test.yaml:19\n",
                                                        "result no: header x-beta: the request has none test.yaml:22\n",
                                                        "route 2 prefix /api test.yaml:24\n",
                                                        "result takes it\n",
                                                        "action route test.yaml:25\n",
                                                        "cluster api",
                                                        "host 127.0.0.1:9001\n",
                                                        "health healthy\n",
                                                        "host 127.0.0.1:9002\n",
                                                        "health unhealthy\n",
                                                        "path /v1/x?y=1\n",
                                                        "filter envoy.filters.http.buffer",
                                                        "config max_request_bytes: 5",
                                                        "for the route buffer:",
                                                        "max_request_bytes: 9",
                                                        "timeouts\n",
                                                        "route 3s test.yaml:27\n",
                                                        "stream idle 7s test.yaml:11\n",
                                                        "request none\n",
                                                        "connect 2s",
                                                        "retries test.yaml:29\n",
                                                        "on 5xx,reset\n",
                                                        "at most 2\n"});
}

TEST(ExplainTest, FollowsTheHeadersOfTheRequest) {
  expectParts(ask("http://a.shop.test/api", {"X-Beta: yes"}), {"name beta", "result takes it", "cluster beta"});
  expectParts(ask("http://other.test/api", {"Host: a.shop.test", "x-beta: no"}),
              {"virtual host shop", "header x-beta: \"no\" does not meet it", "cluster api"});
}

TEST(ExplainTest, TellsWhatIsAnsweredHere) {
  expectParts(ask("POST http://a.shop.test/admin/x"), {"action direct_response", "status 403"});
  expectParts(ask("http://a.shop.test/x/../admin"), {"normalized path /admin", "action direct_response"});
  expectParts(ask("http://a.shop.test/x"), {"result no: another path", "action no_route\n", "status 404"});
  expectParts(ask("http://secure.test/x"),
              {"require tls answered with a redirect to https", "action redirect", "location https://secure.test/x"});
  expectParts(ask("http://a.shop.test/%"), {"refused path_refused", "status 400"});
  EXPECT_EQ(ask("https://a.shop.test/"), "no listener has a filter chain that speaks HTTP over TLS");
}

TEST(ExplainTest, RefusesWhatIsNoQuestion) {
  for (const char* const words : {"", "GET", "/path", "ftp://h/", "http:///x", "GET http://a b/"}) {
    EXPECT_FALSE(parseQuestion(words, {}).ok()) << words;
  }
  EXPECT_FALSE(parseQuestion("http://h/", {"no colon"}).ok());
  EXPECT_EQ(parseQuestion("CONNECT db.test:5432", {})->authority, "db.test:5432");
  EXPECT_EQ(parseQuestion("https://h", {})->port, 443);
  EXPECT_EQ(parseQuestion("https://h?a#b", {})->path, "/?a");
}

TEST(NoteTest, IsTextAndJson) {
  Note root{"request", "GET /"};
  root.add("one", "1", "f:1").addBare("two", "2");
  Note& list = root.addList("some_things");
  list.add("thing", "a");
  list.add("thing", "b", "f:2");
  EXPECT_EQ(toText(root), "GET /\none          1" + std::string(64, ' ') + "f:1\n  two  2\nsome things\n  thing  a\n" +
                              "  thing  b" + std::string(68, ' ') + "f:2\n");
  EXPECT_EQ(
      toJson(root),
      "{\n  \"value\": \"GET /\",\n  \"one\": {\n    \"value\": \"1\",\n    \"at\": \"f:1\",\n    \"two\": 2\n  },\n"
      "  \"some_things\": [\n    \"a\",\n    {\n      \"value\": \"b\",\n      \"at\": \"f:2\"\n    }\n  ]\n}\n");
}

}  // namespace
}  // namespace weir::server
