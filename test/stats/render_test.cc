#include <string>

#include "gtest/gtest.h"
#include "source/stats/registry.h"
#include "source/stats/render_json.h"
#include "source/stats/render_prometheus.h"
#include "source/stats/render_text.h"

namespace weir::stats {
namespace {

class RenderTest : public testing::Test {
 protected:
  RenderTest() {
    shard_.add(registry_.counter({"cluster", "b", "upstream_rq_total"}), 12);
    shard_.add(registry_.counter({"cluster", "a\"\\", "upstream_rq_total"}), 3);
    registry_.counter({"cluster", "b", "unused"});
    shard_.gaugeAdd(registry_.gauge({"server", "", "delta"}), -4);
    const HistogramId time = registry_.histogram({"cluster", "b", "upstream_rq_time"});
    for (const uint64_t value : {0, 1, 2, 30, 4'000'000}) shard_.record(time, value);
    registry_.histogram({"cluster", "idle", "upstream_rq_time"});
  }

  Registry registry_;
  Shard& shard_ = registry_.makeShard();
  const Selection used_{.filter = {}, .used_only = true};
};

TEST_F(RenderTest, TextIsSortedByName) {
  EXPECT_EQ(renderText(registry_.read({})),
            "cluster.a\"\\.upstream_rq_total: 3\n"
            "cluster.b.unused: 0\n"
            "cluster.b.upstream_rq_time: P0(0) P25(1) P50(2) P75(30) P90(4000000) P95(4000000) P99(4000000) "
            "P99.9(4000000) P100(4000000)\n"
            "cluster.b.upstream_rq_total: 12\n"
            "cluster.idle.upstream_rq_time: No recorded values\n"
            "server.delta: -4\n");
}

TEST_F(RenderTest, TextHonoursTheSelection) {
  Selection selection = used_;
  selection.filter = [](std::string_view text) { return text.find("upstream_rq_total") != std::string_view::npos; };
  EXPECT_EQ(renderText(registry_.read(selection)),
            "cluster.a\"\\.upstream_rq_total: 3\ncluster.b.upstream_rq_total: 12\n");
}

TEST_F(RenderTest, JsonHasTheShapeOfEnvoy) {
  const auto value = [](const char* n) { return std::string("{\"interval\":null,\"cumulative\":") + n + "}"; };
  const std::string top = value("4000000");
  EXPECT_EQ(renderJson(registry_.read(used_)),
            "{\"stats\":[{\"name\":\"cluster.a\\\"\\\\.upstream_rq_total\",\"value\":3},"
            "{\"name\":\"cluster.b.upstream_rq_total\",\"value\":12},{\"name\":\"server.delta\",\"value\":-4},"
            "{\"histograms\":{\"supported_quantiles\":[0,25,50,75,90,95,99,99.9,100],\"computed_quantiles\":["
            "{\"name\":\"cluster.b.upstream_rq_time\",\"values\":[" +
                value("0") + "," + value("1") + "," + value("2") + "," + value("30") + "," + top + "," + top + "," +
                top + "," + top + "," + top + "]}]}}]}");
}

TEST_F(RenderTest, JsonOfNothingIsStillJson) {
  const auto none = [](std::string_view) { return false; };
  EXPECT_EQ(renderJson(registry_.read({.filter = none})), "{\"stats\":[]}");
  const auto idle = [](std::string_view text) { return text.find("idle") != std::string_view::npos; };
  const std::string json = renderJson(registry_.read({.filter = idle}));
  EXPECT_TRUE(json.starts_with("{\"stats\":[{\"histograms\":")) << json;
  EXPECT_NE(json.find("\"cumulative\":null"), std::string::npos);
}

TEST_F(RenderTest, PrometheusGroupsEscapesAndHasRealHistograms) {
  EXPECT_EQ(renderPrometheus(registry_.read(used_)),
            "# TYPE envoy_cluster_upstream_rq_time histogram\n"
            "envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name=\"b\",le=\"0.5\"} 1\n"
            "envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name=\"b\",le=\"1\"} 2\n"
            "envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name=\"b\",le=\"5\"} 3\n"
            "envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name=\"b\",le=\"10\"} 3\n"
            "envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name=\"b\",le=\"25\"} 3\n"
            "envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name=\"b\",le=\"50\"} 4\n"
            "envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name=\"b\",le=\"100\"} 4\n"
            "envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name=\"b\",le=\"250\"} 4\n"
            "envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name=\"b\",le=\"500\"} 4\n"
            "envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name=\"b\",le=\"1000\"} 4\n"
            "envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name=\"b\",le=\"2500\"} 4\n"
            "envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name=\"b\",le=\"5000\"} 4\n"
            "envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name=\"b\",le=\"10000\"} 4\n"
            "envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name=\"b\",le=\"30000\"} 4\n"
            "envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name=\"b\",le=\"60000\"} 4\n"
            "envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name=\"b\",le=\"300000\"} 4\n"
            "envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name=\"b\",le=\"600000\"} 4\n"
            "envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name=\"b\",le=\"1800000\"} 4\n"
            "envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name=\"b\",le=\"3600000\"} 4\n"
            "envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name=\"b\",le=\"+Inf\"} 5\n"
            "envoy_cluster_upstream_rq_time_sum{envoy_cluster_name=\"b\"} 4000033\n"
            "envoy_cluster_upstream_rq_time_count{envoy_cluster_name=\"b\"} 5\n"
            "# TYPE envoy_cluster_upstream_rq_total counter\n"
            "envoy_cluster_upstream_rq_total{envoy_cluster_name=\"a\\\"\\\\\"} 3\n"
            "envoy_cluster_upstream_rq_total{envoy_cluster_name=\"b\"} 12\n"
            "# TYPE envoy_server_delta gauge\n"
            "envoy_server_delta -4\n");
}

TEST_F(RenderTest, PrometheusWritesAHistogramWithoutLabels) {
  shard_.record(registry_.histogram({"server", "", "initialization_time_ms"}), 7);
  const auto only = [](std::string_view text) { return text.starts_with("server.init"); };
  const std::string out = renderPrometheus(registry_.read({.filter = only}));
  EXPECT_NE(out.find("\nenvoy_server_initialization_time_ms_bucket{le=\"5\"} 0\n"), std::string::npos) << out;
  EXPECT_NE(out.find("\nenvoy_server_initialization_time_ms_bucket{le=\"10\"} 1\n"), std::string::npos);
  EXPECT_NE(out.find("\nenvoy_server_initialization_time_ms_sum 7\n"), std::string::npos);
}

}  // namespace
}  // namespace weir::stats
