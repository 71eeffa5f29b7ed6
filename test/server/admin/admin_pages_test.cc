#include "source/server/admin/admin_pages.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "source/base/log.h"
#include "test/server/server_world.h"

namespace weir::server {
namespace {

constexpr char kConfig[] = R"(
static_resources:
  listeners:
  - name: echo
    address: {socket_address: {address: 127.0.0.1, port_value: 81}}
    filter_chains:
    - filters:
      - {name: echo, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo}}
  clusters:
  - name: "q\"s"
    load_assignment:
      cluster_name: "q\"s"
      endpoints:
      - lb_endpoints:
        - endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 81}}}
          metadata: {filter_metadata: {envoy.lb: {stage: "pro\"d", version: 3}}}
)";

class AdminPagesTest : public testing::Test {
 protected:
  AdminPagesTest() {
    world_.start();
    view_.version = "0.1.0";
    view_.node_id = "me";
    view_.concurrency = 2;
    view_.options = {{"config_path", "a\"b"}};
    view_.listeners = {{"echo", world_.workers[0]->listener(0).addresses()}};
    view_.hosts = &hosts_;
    view_.state = [this] { return state_; };
    view_.refresh_gauges = [this] { ++refreshed_; };
    view_.shut_down = [this] { ++shut_down_; };
  }

  AdminResponse ask(std::string_view method, std::string_view target, std::optional<std::string> origin = {},
                    std::string authority = "127.0.0.1:9901") {
    AdminRequest request;
    request.method = method;
    splitTarget(target, request);
    request.authority = std::move(authority);
    request.origin = std::move(origin);
    return pages_.answer(request);
  }

  ServerWorld world_{kConfig, 2};
  harness::SimClock clock_;
  AdminView view_{world_.compiled.stats, clock_, clock_.monotonic(), world_.compiled.loaded.bootstrap};
  event::Dispatcher& main_ = world_.simulation.addDispatcher();
  upstream::HostDirectory hosts_{world_.compiled.config->clusters, main_, [](size_t, const auto&) {}};
  AdminPages pages_{view_};
  std::string_view state_ = "LIVE";
  int refreshed_ = 0;
  int shut_down_ = 0;
};

TEST_F(AdminPagesTest, ReadySaysWhetherItIsDraining) {
  EXPECT_EQ(ask("GET", "/ready").status, 200);
  EXPECT_EQ(ask("GET", "/ready").body, "LIVE\n");
  state_ = "DRAINING";
  EXPECT_EQ(ask("GET", "/ready").status, 503);
  EXPECT_EQ(ask("GET", "/ready").body, "DRAINING\n");
}

TEST_F(AdminPagesTest, EveryPageThatIsListedAnswers) {
  const std::string list = ask("GET", "/").body;
  EXPECT_EQ(ask("GET", "/help").body, list);
  size_t pages = 0;
  for (size_t at = list.find("\n  /"); at != std::string::npos; at = list.find("\n  /", at + 1)) {
    const std::string path = list.substr(at + 3, list.find_first_of(" \n", at + 3) - at - 3);
    const AdminResponse get = ask("GET", path);
    EXPECT_TRUE(get.status == 200 || get.status == 405) << path << get.status;
    EXPECT_FALSE(get.body.empty()) << path;
    ++pages;
  }
  EXPECT_EQ(pages, 13u);
}

TEST_F(AdminPagesTest, AnswersOnlyWhatIsAllowed) {
  const filter::StringMatcher allowed[] = {{filter::StringMatcher::Kind::kExact, "/ready", false},
                                           {filter::StringMatcher::Kind::kPrefix, "/stats", false}};
  view_.allowed = allowed;
  EXPECT_EQ(ask("GET", "/ready").status, 200);
  EXPECT_EQ(ask("GET", "/stats?filter=live").status, 200);
  for (const char* target : {"/ready?x", "/clusters", "/", "/nothing", "/config_dump"}) {
    const AdminResponse response = ask("GET", target);
    EXPECT_EQ(response.status, 403) << target;
    EXPECT_EQ(response.body, absl::StrCat(target, " is not among admin.allow_paths\n"));
  }
  EXPECT_EQ(ask("POST", "/quitquitquit").status, 403);
  EXPECT_EQ(shut_down_, 0);
}

TEST_F(AdminPagesTest, AnUnknownPageIs404WithTheList) {
  const AdminResponse response = ask("GET", "/nothing");
  EXPECT_EQ(response.status, 404);
  EXPECT_NE(response.body.find("/server_info"), std::string::npos);
}

TEST_F(AdminPagesTest, OnlyPostChangesAndOnlyWhereThereIsSomethingToChange) {
  for (const char* path : {"/quitquitquit", "/reset_counters"}) {
    const AdminResponse response = ask("GET", path);
    EXPECT_EQ(response.status, 405) << path;
    EXPECT_EQ(response.allow, "POST") << path;
  }
  const AdminResponse posted = ask("POST", "/stats");
  EXPECT_EQ(posted.status, 405);
  EXPECT_EQ(posted.allow, "GET, HEAD");
  EXPECT_EQ(ask("DELETE", "/logging").allow, "GET, HEAD, POST");
  EXPECT_EQ(shut_down_, 0);
}

TEST_F(AdminPagesTest, APageOfAnotherHostMayNotChangeAnything) {
  const struct {
    const char* origin;
    const char* authority;
    int status;
  } cases[] = {
      {"http://127.0.0.1:9901", "127.0.0.1:9901", 200},
      {"http://localhost:9901", "localhost:9901", 200},
      {"http://[::1]:9901", "[::1]:9901", 200},
      {"http://evil.example", "127.0.0.1:9901", 403},
      {"http://127.0.0.1:80", "127.0.0.1:9901", 403},
      {"null", "127.0.0.1:9901", 403},
      // A name that was made to lead here looks like the same host to the browser.
      {"http://evil.example:9901", "evil.example:9901", 403},
  };
  for (const auto& test : cases) {
    EXPECT_EQ(ask("POST", "/reset_counters", test.origin, test.authority).status, test.status) << test.origin;
  }
  EXPECT_EQ(ask("POST", "/reset_counters", std::nullopt, "weir.internal:9901").status, 200);
}

TEST_F(AdminPagesTest, QuitAsksForAShutdown) {
  EXPECT_EQ(ask("POST", "/quitquitquit").status, 200);
  EXPECT_EQ(shut_down_, 1);
}

TEST_F(AdminPagesTest, StatsComeInThreeFormsAndMayBeFiltered) {
  const stats::CounterId id = world_.compiled.stats.counter({"test", "", "moved"});
  world_.workers[0]->stats().add(id, 3);
  world_.workers[1]->stats().add(id, 4);
  EXPECT_NE(ask("GET", "/stats").body.find("test.moved: 7\n"), std::string::npos);
  EXPECT_EQ(ask("GET", "/stats?filter=%5Etest%5C.").body, "test.moved: 7\n");
  EXPECT_EQ(ask("GET", "/stats?filter=^test&format=json").body, "{\"stats\":[{\"name\":\"test.moved\",\"value\":7}]}");
  EXPECT_EQ(ask("GET", "/stats?filter=^test&format=json").content_type, "application/json");
  const AdminResponse prometheus = ask("GET", "/stats/prometheus?filter=^test");
  EXPECT_NE(prometheus.body.find("envoy_test_moved 7\n"), std::string::npos) << prometheus.body;
  EXPECT_EQ(ask("GET", "/stats?filter=^test&format=prometheus").body, prometheus.body);
  EXPECT_EQ(ask("GET", "/stats?usedonly").body.find("echo"), std::string::npos);
  EXPECT_GE(refreshed_, 5);
}

TEST_F(AdminPagesTest, AnswersWhatIsWrongWithAQuery) {
  EXPECT_EQ(ask("GET", "/stats?filter=(").status, 400);
  EXPECT_EQ(ask("GET", "/stats?format=xml").body, "format \"xml\"; allowed: text, json, prometheus\n");
  EXPECT_EQ(ask("GET", "/clusters?format=xml").status, 400);
  EXPECT_EQ(ask("GET", "/listeners?format=xml").status, 400);
  EXPECT_EQ(ask("POST", "/logging?level=loud").status, 400);
}

TEST_F(AdminPagesTest, CountersBeginAgainAtZero) {
  const stats::CounterId id = world_.compiled.stats.counter({"test", "", "moved"});
  world_.workers[0]->stats().add(id, 3);
  EXPECT_EQ(ask("POST", "/reset_counters").status, 200);
  EXPECT_EQ(ask("GET", "/stats?filter=^test").body, "test.moved: 0\n");
}

TEST_F(AdminPagesTest, LoggingShowsAndSetsTheLevel) {
  const base::LogLevel before = base::logLevel();
  EXPECT_EQ(ask("POST", "/logging?level=error").body, "level: error\n");
  EXPECT_EQ(base::logLevel(), base::LogLevel::kError);
  EXPECT_EQ(ask("GET", "/logging").body, "level: error\n");
  base::setLogLevel(before);
}

TEST_F(AdminPagesTest, ClustersSumUpTheWorkers) {
  const std::string text = ask("GET", "/clusters").body;
  EXPECT_NE(text.find("q\"s::default_priority::max_connections::1024\n"), std::string::npos) << text;
  EXPECT_NE(text.find("q\"s::default_priority::cx_open::0\n"), std::string::npos) << text;
  EXPECT_NE(text.find("q\"s::high_priority::min_retry_concurrency::3\n"), std::string::npos) << text;
  EXPECT_NE(text.find("q\"s::127.0.0.1:81::cx_active::0\n"), std::string::npos) << text;
  EXPECT_NE(text.find("q\"s::127.0.0.1:81::health_flags::healthy\n"), std::string::npos) << text;
  EXPECT_NE(text.find("q\"s::127.0.0.1:81::metadata::version=3\n"), std::string::npos) << text;
  const AdminResponse json = ask("GET", "/clusters?format=json");
  EXPECT_EQ(json.content_type, "application/json");
  EXPECT_NE(json.body.find(R"({"cluster_statuses":[{"name":"q\"s",)"), std::string::npos) << json.body;
  EXPECT_NE(
      json.body.find(
          R"("retry_budget":{"budget_percent":20,"min_retry_concurrency":3},"remaining_cx":1024,"remaining_pending":1024,)"),
      std::string::npos)
      << json.body;
  EXPECT_NE(json.body.find(R"("metadata":{"stage":["pro\"d"],"version":[3]})"), std::string::npos) << json.body;
  EXPECT_NE(json.body.find(R"({"address":{"socket_address":{"address":"127.0.0.1","port_value":81}},"stats":[)"),
            std::string::npos)
      << json.body;
}

TEST_F(AdminPagesTest, ListenersHaveTheirAddresses) {
  EXPECT_EQ(ask("GET", "/listeners").body, "echo::127.0.0.1:81\n");
  EXPECT_EQ(ask("GET", "/listeners?format=json").body,
            R"({"listener_statuses":[{"name":"echo","local_address":{"socket_address":{"address":"127.0.0.1",)"
            R"("port_value":81}}}]})"
            "\n");
}

TEST_F(AdminPagesTest, ServerInfoHasStateAndOptions) {
  clock_.moveTo(clock_.monotonic() + absl::Seconds(75));
  EXPECT_EQ(ask("GET", "/server_info").body,
            R"({"version":"0.1.0","state":"LIVE","uptime_current_epoch":"75s","uptime_all_epochs":"75s",)"
            R"("concurrency":2,"node":{"id":"me","cluster":""},"command_line_options":{"config_path":"a\"b"}})"
            "\n");
  view_.node_metadata = R"({"team":"blue"})";
  EXPECT_NE(ask("GET", "/server_info").body.find(R"("node":{"id":"me","cluster":"","metadata":{"team":"blue"}},)"),
            std::string::npos);
}

TEST_F(AdminPagesTest, ConfigDumpIsTheConfiguration) {
  const AdminResponse response = ask("GET", "/config_dump");
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_NE(response.body.find("\"name\": \"echo\""), std::string::npos) << response.body;
}

TEST(AdminRequest, TakesATargetApart) {
  AdminRequest request;
  splitTarget("/a?b=c%20d&e&f=%zz%4&&g=h+i=j", request);
  EXPECT_EQ(request.path, "/a");
  EXPECT_EQ(request.value("b"), "c d");
  EXPECT_TRUE(request.has("e"));
  EXPECT_EQ(request.value("e"), "");
  EXPECT_EQ(request.value("f"), "%zz%4");
  EXPECT_EQ(request.value("g"), "h i=j");
  EXPECT_FALSE(request.has("nothing"));
  EXPECT_EQ(request.query.size(), 4u);
}

TEST_F(AdminPagesTest, AHostIsWeighedAndDrainedByPost) {
  const auto entry = [this]() -> const upstream::HostEntry& { return hosts_.find("q\"s")->entries()[0]; };
  const std::string host = "/clusters?cluster=q%22s&host=127.0.0.1:81";
  EXPECT_EQ(ask("POST", host + "&weight=7").status, 200);
  EXPECT_EQ(entry().effectiveWeight(), 7u);
  EXPECT_NE(ask("GET", "/clusters").body.find("127.0.0.1:81::weight::7\n"), std::string::npos);
  EXPECT_EQ(ask("POST", host + "&drain=true").status, 200);
  EXPECT_EQ(entry().flags.status(), upstream::lb::Status::kUnhealthy);
  EXPECT_NE(ask("GET", "/clusters").body.find("127.0.0.1:81::health_flags::/draining\n"), std::string::npos);
  EXPECT_NE(ask("GET", "/clusters?format=json").body.find("\"draining\":true"), std::string::npos);
  EXPECT_EQ(ask("POST", host + "&drain=false&weight=0").status, 200);
  EXPECT_EQ(entry().effectiveWeight(), 1u);
  EXPECT_EQ(entry().flags.status(), upstream::lb::Status::kHealthy);
  EXPECT_EQ(ask("POST", host).status, 400);
  EXPECT_EQ(ask("POST", host + "&weight=x").status, 400);
  EXPECT_EQ(ask("POST", host + "&weight=1&drain=maybe").status, 400);
  EXPECT_EQ(ask("POST", "/clusters?cluster=none&host=127.0.0.1:81&weight=1").status, 404);
  EXPECT_EQ(ask("POST", "/clusters?cluster=q%22s&host=127.0.0.1:82&weight=1").status, 404);
}

constexpr char kShown[] = R"(
static_resources:
  listeners:
  - name: echo
    address: {socket_address: {address: 127.0.0.1, port_value: 81}}
    filter_chains:
    - filters:
      - {name: echo, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo}}
  clusters:
  - name: shown
    track_cluster_stats: {per_endpoint_stats: true}
    load_assignment:
      cluster_name: shown
      endpoints:
      - lb_endpoints:
        - endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 81}}, hostname: one}
        - endpoint: {address: {socket_address: {address: "::1", port_value: 82}}}
  - name: hidden
    load_assignment:
      cluster_name: hidden
      endpoints:
      - lb_endpoints:
        - endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 81}}}
  - name: same
    alt_stat_name: shown
    track_cluster_stats: {per_endpoint_stats: true}
    load_assignment:
      cluster_name: same
      endpoints:
      - lb_endpoints:
        - endpoint: {address: {socket_address: {address: "::1", port_value: 82}}}
)";

class EndpointStatsTest : public testing::Test {
 protected:
  EndpointStatsTest() {
    view_.hosts = &hosts_;
    view_.refresh_gauges = [] {};
  }

  std::string ask(std::string_view target) {
    AdminRequest request;
    request.method = "GET";
    splitTarget(target, request);
    return pages_.answer(request).body;
  }
  const upstream::Host& host(size_t cluster, size_t n) { return *hosts_.all()[cluster]->entries()[n].host; }

  ServerWorld world_{kShown, 1};
  harness::SimClock clock_;
  AdminView view_{world_.compiled.stats, clock_, clock_.monotonic(), world_.compiled.loaded.bootstrap};
  event::Dispatcher& main_ = world_.simulation.addDispatcher();
  upstream::HostDirectory hosts_{world_.compiled.config->clusters, main_, [](size_t, const auto&) {}};
  AdminPages pages_{view_};
};

TEST_F(EndpointStatsTest, AreThereForClustersThatAskForThem) {
  host(0, 0).addCounters().rq_total.add(5);
  host(0, 0).addCounters().rq_total.add(2);
  host(0, 0).addCounters().cx_active.add(3);
  EXPECT_EQ(ask("/stats?filter=endpoint.127"),
            "cluster.shown.endpoint.127.0.0.1_81.cx_active: 3\n"
            "cluster.shown.endpoint.127.0.0.1_81.cx_connect_fail: 0\n"
            "cluster.shown.endpoint.127.0.0.1_81.cx_total: 0\n"
            "cluster.shown.endpoint.127.0.0.1_81.healthy: 1\n"
            "cluster.shown.endpoint.127.0.0.1_81.rq_active: 0\n"
            "cluster.shown.endpoint.127.0.0.1_81.rq_error: 0\n"
            "cluster.shown.endpoint.127.0.0.1_81.rq_success: 0\n"
            "cluster.shown.endpoint.127.0.0.1_81.rq_timeout: 0\n"
            "cluster.shown.endpoint.127.0.0.1_81.rq_total: 7\n");
  EXPECT_EQ(ask("/stats?filter=endpoint.*rq_total&usedonly"), "cluster.shown.endpoint.127.0.0.1_81.rq_total: 7\n");
  EXPECT_EQ(ask("/stats?format=json&filter=127.*(rq_total|healthy)"),
            "{\"stats\":[{\"name\":\"cluster.shown.endpoint.127.0.0.1_81.healthy\",\"value\":1},"
            "{\"name\":\"cluster.shown.endpoint.127.0.0.1_81.rq_total\",\"value\":7}]}");
}

TEST_F(EndpointStatsTest, StandBetweenTheOthersAndAreAddedUpUnderOneName) {
  host(0, 1).addCounters().rq_total.add(5);
  host(2, 0).addCounters().rq_total.add(2);
  EXPECT_EQ(ask("/stats?filter=shown.(default|end.*1._82.rq_tot|external|upstream_rq_total)"),
            "cluster.shown.endpoint.[__1]_82.rq_total: 7\ncluster.shown.upstream_rq_total: 0\n");
  EXPECT_EQ(ask("/stats/prometheus?filter=endpoint.*(rq_total|healthy)"),
            "# TYPE envoy_cluster_endpoint_healthy gauge\n"
            "envoy_cluster_endpoint_healthy{envoy_endpoint_address=\"127.0.0.1:81\",envoy_cluster_name=\"shown\","
            "envoy_endpoint_hostname=\"one\"} 1\n"
            "envoy_cluster_endpoint_healthy{envoy_endpoint_address=\"[::1]:82\",envoy_cluster_name=\"shown\"} 2\n"
            "# TYPE envoy_cluster_endpoint_rq_total counter\n"
            "envoy_cluster_endpoint_rq_total{envoy_endpoint_address=\"127.0.0.1:81\",envoy_cluster_name=\"shown\","
            "envoy_endpoint_hostname=\"one\"} 0\n"
            "envoy_cluster_endpoint_rq_total{envoy_endpoint_address=\"[::1]:82\",envoy_cluster_name=\"shown\"} 7\n");
}

TEST_F(EndpointStatsTest, ComeAndGoWithTheEndpointAndSayWhetherItIsWell) {
  upstream::ClusterHosts& shown = *hosts_.all()[0];
  EXPECT_TRUE(shown.setFlag(host(0, 0), upstream::HealthFlag::kFailedActiveCheck, true));
  EXPECT_EQ(ask("/stats?filter=endpoint.127.*healthy"), "cluster.shown.endpoint.127.0.0.1_81.healthy: 0\n");
  upstream::HostSpec spec;
  spec.address = *net::Address::parseIp("127.0.0.9", 83);
  spec.text = spec.address.text();
  shown.update({spec});
  EXPECT_EQ(ask("/stats?filter=endpoint.127.*rq_total"), "cluster.shown.endpoint.127.0.0.9_83.rq_total: 0\n");
}

}  // namespace
}  // namespace weir::server
