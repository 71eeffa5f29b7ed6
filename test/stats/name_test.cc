#include "source/stats/name.h"

#include "gtest/gtest.h"

namespace weir::stats {
namespace {

struct Case {
  Name name;
  const char* text;
  const char* family;
  const char* labels;
};

TEST(NameTest, IsSpeltAsEnvoySpellsIt) {
  const Case cases[] = {
      {{"cluster", "backend", "upstream_rq_total"},
       "cluster.backend.upstream_rq_total",
       "envoy_cluster_upstream_rq_total",
       "envoy_cluster_name=\"backend\""},
      {{"http", "ingress", "downstream_rq_2xx", "envoy_response_code_class", "2"},
       "http.ingress.downstream_rq_2xx",
       "envoy_http_downstream_rq_xx",
       "envoy_response_code_class=\"2\",envoy_http_conn_manager_prefix=\"ingress\""},
      {{"cluster", "b", "upstream_rq_503", "envoy_response_code", "503"},
       "cluster.b.upstream_rq_503",
       "envoy_cluster_upstream_rq",
       "envoy_response_code=\"503\",envoy_cluster_name=\"b\""},
      {{"cluster", "b", "grpc.a.B.Get.total", "envoy_grpc_method", "a.B.Get"},
       "cluster.b.grpc.a.B.Get.total",
       "envoy_cluster_grpc_total",
       "envoy_grpc_method=\"a.B.Get\",envoy_cluster_name=\"b\""},
      {{"listener", "0.0.0.0:8082", "downstream_cx_total"},
       "listener.0.0.0.0_8082.downstream_cx_total",
       "envoy_listener_downstream_cx_total",
       "envoy_listener_address=\"0.0.0.0_8082\""},
      {{"listener", "[::1]:80", "ssl.handshake"},
       "listener.[__1]_80.ssl.handshake",
       "envoy_listener_ssl_handshake",
       "envoy_listener_address=\"[__1]_80\""},
      {{"tcp", "p", "downstream_cx_total"},
       "tcp.p.downstream_cx_total",
       "envoy_tcp_downstream_cx_total",
       "envoy_tcp_prefix=\"p\""},
      {{"http_local_rate_limit", "edge", "enabled"},
       "edge.http_local_rate_limit.enabled",
       "envoy_http_local_rate_limit_enabled",
       "envoy_local_http_ratelimit_prefix=\"edge\""},
      {{"server", "", "live"}, "server.live", "envoy_server_live", ""},
      {{"workers", "w-0", "loop.turns"}, "workers.w-0.loop.turns", "envoy_workers_loop_turns", "instance=\"w-0\""},
      {{"cluster", "a\\b\"c\nd", "x"},
       "cluster.a\\b\"c\nd.x",
       "envoy_cluster_x",
       "envoy_cluster_name=\"a\\\\b\\\"c\\nd\""},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(textName(c.name), c.text);
    EXPECT_EQ(prometheusFamily(c.name), c.family);
    EXPECT_EQ(prometheusLabels(c.name), c.labels);
  }
}

TEST(NameDeathTest, ALabelThatIsNotInTheMetricIsABug) {
  EXPECT_DEATH(prometheusFamily({"http", "x", "downstream_rq_xx", "envoy_response_code_class", "2"}),
               "contains the value of its label");
}

}  // namespace
}  // namespace weir::stats
