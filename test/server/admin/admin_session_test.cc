#include "source/server/admin/admin_session.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "source/server/bind_listeners.h"
#include "test/server/server_world.h"

namespace weir::server {
namespace {

// An admin listener on a simulated network, as the Server makes it.
class AdminSessionTest : public testing::Test {
 protected:
  AdminSessionTest() {
    view_.state = [] { return "LIVE"; };
    view_.refresh_gauges = [] {};
    view_.shut_down = [] {};
    std::vector<proxy::FilterChain> chains(1);
    chains[0].name = "admin";
    chains[0].terminal = std::make_unique<AdminSessionFactory>(pages_, run_.config->admin->access_logs);
    auto config = std::make_unique<proxy::ListenerConfig>();
    config->name = "admin";
    config->chains = *proxy::FilterChainMatcher::make(std::move(chains), nullptr);
    config->limits = {4096, 4096};
    config->stats = proxy::ListenerStats::make(run_.stats, "admin");
    plan_.resize(1);
    plan_[0].config = std::move(config);
    plan_[0].addresses = {run_.config->admin->address};
    const Worker::Seams seams{dispatcher_, network_, run_.stats, 1, limit_};
    worker_ = std::make_unique<Worker>(0, seams, std::span<const std::shared_ptr<const upstream::Cluster>>(), plan_);
    Worker* const worker = worker_.get();
    EXPECT_TRUE(bindListeners(plan_, {&worker, 1}).ok());
    EXPECT_TRUE(worker_->start().ok());
    client_ = std::make_unique<Client>(client_worker_.context, plan_[0].addresses[0].address);
  }

  std::string exchange(std::string_view bytes) {
    client_->received.clear();
    client_->send(bytes);
    simulation_.runUntilIdle(absl::Milliseconds(500));
    return client_->received;
  }

  CompileRun run_{R"(
admin:
  address: {socket_address: {address: 127.0.0.1, port_value: 9901}}
  access_log:
  - typed_config:
      "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
      path: /admin.log
      log_format: {text_format_source: {inline_string: "%REQ(:METHOD)% %REQ(:PATH)% %RESPONSE_CODE% %BYTES_SENT%\n"}}
)"};
  harness::Simulation simulation_;
  harness::SimWire wire_{simulation_};
  event::Dispatcher& dispatcher_ = simulation_.addDispatcher();
  harness::SimNetwork network_{wire_, dispatcher_};
  event::Dispatcher& client_dispatcher_ = simulation_.addDispatcher();
  harness::SimNetwork client_network_{wire_, client_dispatcher_};
  ClientWorker client_worker_{client_dispatcher_, client_network_};
  upstream::SharedLimit limit_{10};
  AdminView view_{run_.stats, simulation_.clock(), simulation_.now(), run_.loaded.bootstrap};
  AdminPages pages_{view_};
  std::vector<ListenerPlan> plan_;
  std::unique_ptr<Worker> worker_;
  std::unique_ptr<Client> client_;
};

TEST_F(AdminSessionTest, AnswersAndKeepsTheConnection) {
  const std::string first = exchange("GET /ready HTTP/1.1\r\nhost: a\r\n\r\n");
  EXPECT_TRUE(first.starts_with("HTTP/1.1 200 OK\r\n")) << first;
  EXPECT_NE(first.find("content-length: 5\r\n"), std::string::npos) << first;
  EXPECT_TRUE(first.ends_with("\r\n\r\nLIVE\n")) << first;
  EXPECT_TRUE(exchange("GET /nothing HTTP/1.1\r\nhost: a\r\n\r\n").starts_with("HTTP/1.1 404 Not Found\r\n"));
  EXPECT_FALSE(client_->ended);
  ASSERT_EQ(run_.sinks.lines["/admin.log"].size(), 2u);
  EXPECT_EQ(run_.sinks.lines["/admin.log"][0], "GET /ready 200 5\n");
}

TEST_F(AdminSessionTest, PipelinedRequestsAreAnsweredInOrder) {
  const std::string both = exchange(
      "GET /ready HTTP/1.1\r\nhost: a\r\n\r\nPOST /ready HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc"
      "GET /logging HTTP/1.1\r\nhost: a\r\n\r\n");
  const size_t live = both.find("LIVE");
  const size_t refused = both.find("HTTP/1.1 405");
  const size_t level = both.find("level: ");
  EXPECT_LT(live, refused) << both;
  EXPECT_LT(refused, level) << both;
  EXPECT_NE(level, std::string::npos) << both;
  EXPECT_NE(both.find("allow: GET, HEAD\r\n"), std::string::npos) << both;
}

TEST_F(AdminSessionTest, HeadHasTheLengthAndNoBody) {
  const std::string response = exchange("HEAD /ready HTTP/1.1\r\nhost: a\r\n\r\n");
  EXPECT_NE(response.find("content-length: 5\r\n"), std::string::npos) << response;
  EXPECT_TRUE(response.ends_with("\r\n\r\n")) << response;
}

TEST_F(AdminSessionTest, ABodyAboveTheBufferLimitComesWhole) {
  for (int i = 0; i < 400; ++i) run_.stats.counter({"test", absl::StrCat("instance", i), "a_metric_of_some_length"});
  const std::string response = exchange("GET /stats HTTP/1.1\r\nhost: a\r\n\r\n");
  EXPECT_GT(response.size(), 16'000u);
  EXPECT_NE(response.find("test.instance399.a_metric_of_some_length: 0\n"), std::string::npos);
  EXPECT_TRUE(exchange("GET /ready HTTP/1.1\r\nhost: a\r\n\r\n").ends_with("LIVE\n"));
}

TEST_F(AdminSessionTest, ABadRequestIsAnsweredAndTheConnectionClosed) {
  EXPECT_TRUE(exchange("GET /ready HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 400 ")) << client_->received;
  simulation_.runFor(absl::Seconds(3));
  EXPECT_TRUE(client_->ended);
  EXPECT_EQ(worker_->connections(), 0u);
}

TEST_F(AdminSessionTest, AClientThatGoesAwayInTheMiddleIsForgotten) {
  for (int i = 0; i < 400; ++i) run_.stats.counter({"test", absl::StrCat("instance", i), "a_metric_of_some_length"});
  client_->send("GET /stats HTTP/1.1\r\nhost: a\r\n\r\n");
  client_dispatcher_.turn(false);
  client_.reset();
  simulation_.runFor(absl::Seconds(70));
  EXPECT_EQ(worker_->connections(), 0u);
}

TEST_F(AdminSessionTest, AnIdleConnectionIsClosedAfterAMinute) {
  exchange("GET /ready HTTP/1.1\r\nhost: a\r\n\r\n");
  simulation_.runFor(absl::Seconds(50));
  EXPECT_EQ(worker_->connections(), 1u);
  simulation_.runFor(absl::Seconds(20));
  EXPECT_EQ(worker_->connections(), 0u);
}

TEST_F(AdminSessionTest, DrainingClosesTheConnection) {
  exchange("GET /ready HTTP/1.1\r\nhost: a\r\n\r\n");
  bool done = false;
  worker_->drain([&done] { done = true; });
  simulation_.runFor(absl::Seconds(3));
  EXPECT_TRUE(done);
  EXPECT_TRUE(client_->ended);
}

}  // namespace
}  // namespace weir::server
