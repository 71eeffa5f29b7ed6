#include "source/proxy/side_calls.h"

#include <functional>
#include <string>

#include "gtest/gtest.h"
#include "test/upstream/upstream_world.h"

namespace weir::proxy {
namespace {

using http::Reason;
using upstream::ClusterConfig;
using upstream::kOk;
using upstream::Origin;

// Asks, and notes the outcome as text.
class Client final : public filter::SideCallReceiver {
 public:
  explicit Client(upstream::TestWorker& worker) : worker_(worker), arena_(worker.chunks) {}

  void ask(SideCalls& calls, std::string_view method, std::string_view body = "",
           const std::function<void(filter::SideRequest&)>& change = {}) {
    auto* const head = arena_.make<http::Head>(arena_);
    head->method = method;
    head->scheme = "http";
    head->authority = "authz";
    head->path = "/check";
    head->headers.add("a", "b");
    filter::SideRequest request{.cluster = "c", .head = head};
    if (!body.empty()) {
      request.body.emplace(worker_.blocks);
      request.body->append(body);
    }
    if (change) change(request);
    ticket = calls.call(std::move(request), *this);
  }

  base::Ticket ticket;
  std::string outcome;
  std::function<void()> then;

 private:
  void onSideResponse(filter::SideResponse& response) override {
    outcome = std::to_string(response.head.status) + " " + response.body.toString();
    if (response.trailers != nullptr) outcome += " " + std::string(response.trailers->get("t").value_or("-"));
    if (then) then();
  }
  void onSideFailed(Reason reason) override {
    outcome = http::reasonInfo(reason).name;
    if (then) then();
  }

  upstream::TestWorker& worker_;
  base::Arena arena_;
};

class SideCallsTest : public testing::Test {
 protected:
  void start(const std::function<void(ClusterConfig&)>& change = {}) {
    const auto cluster = world_.makeCluster({origin_.address()}, change);
    clusters_ = std::make_unique<upstream::ClusterManager>(std::span(&cluster, 1), world_.worker().context);
    calls_ = std::make_unique<SideCalls>(world_.worker().context, *clusters_);
    client_ = std::make_unique<Client>(world_.worker());
  }
  void answer(std::string_view bytes) {
    world_.settle();
    ASSERT_FALSE(origin_.peers.empty());
    origin_.peers.back()->write(bytes);
    world_.settle();
  }

  upstream::UpstreamWorld world_;
  Origin origin_{world_.origin_worker, "10.0.0.1"};
  std::unique_ptr<upstream::ClusterManager> clusters_;
  std::unique_ptr<SideCalls> calls_;
  std::unique_ptr<Client> client_;
};

TEST_F(SideCallsTest, SendsOneRequestAndGivesTheWholeResponse) {
  start();
  client_->ask(*calls_, "POST", "question");
  EXPECT_EQ(client_->outcome, "");
  world_.settle();
  const std::string& received = origin_.peers.at(0)->received;
  EXPECT_EQ(received.substr(0, received.find("\r\n")), "POST /check HTTP/1.1");
  EXPECT_NE(received.find("host: authz\r\n"), std::string::npos) << received;
  EXPECT_NE(received.find("a: b\r\n"), std::string::npos);
  EXPECT_NE(received.find("content-length: 8\r\n"), std::string::npos);
  EXPECT_EQ(received.substr(received.find("\r\n\r\n") + 4), "question");
  answer("HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nn");
  EXPECT_EQ(client_->outcome, "");
  answer("o");
  EXPECT_EQ(client_->outcome, "403 no");
  EXPECT_FALSE(client_->ticket);
  EXPECT_EQ(calls_->active(), 0u);
  EXPECT_EQ(world_.counter("upstream_rq_4xx"), 1u);
  EXPECT_EQ(world_.counter("upstream_rq_total"), 1u);
  // The connection and the call are used again.
  client_->ask(*calls_, "GET");
  answer(kOk);
  EXPECT_EQ(client_->outcome, "200 hi");
  EXPECT_EQ(origin_.peers.size(), 1u);
}

TEST_F(SideCallsTest, ADestroyedTicketCancelsAndNothingIsCalled) {
  start();
  client_->ask(*calls_, "GET");
  client_->ticket.cancel();
  EXPECT_EQ(calls_->active(), 0u);
  client_->ask(*calls_, "GET");
  world_.settle();
  client_->ticket.cancel();
  world_.settle();
  EXPECT_EQ(calls_->active(), 0u);
  EXPECT_EQ(client_->outcome, "");
  EXPECT_EQ(world_.counter("upstream_rq_tx_reset"), 1u);
}

TEST_F(SideCallsTest, TheTimeIsOver) {
  start();
  client_->ask(*calls_, "GET", "", [](filter::SideRequest& request) { request.timeout = absl::Milliseconds(50); });
  world_.simulation.runUntilIdle(absl::Milliseconds(40));
  EXPECT_EQ(client_->outcome, "");
  world_.simulation.runUntilIdle(absl::Milliseconds(100));
  EXPECT_EQ(client_->outcome, "route_timeout");
  EXPECT_EQ(world_.counter("upstream_rq_timeout"), 1u);
  EXPECT_EQ(calls_->active(), 0u);
}

TEST_F(SideCallsTest, TheBodyIsBounded) {
  start();
  const auto two = [](filter::SideRequest& request) { request.max_response_bytes = 2; };
  client_->ask(*calls_, "GET", "", two);
  answer(kOk);
  EXPECT_EQ(client_->outcome, "200 hi");
  client_->ask(*calls_, "GET", "", two);
  answer("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc");
  EXPECT_EQ(client_->outcome, "response_too_large");
  EXPECT_EQ(calls_->active(), 0u);
}

TEST_F(SideCallsTest, WhatFailsIsToldLaterAndNamed) {
  start([](ClusterConfig& config) { config.thresholds[0].max_requests = 0; });
  client_->ask(*calls_, "GET");
  EXPECT_EQ(client_->outcome, "");
  world_.settle();
  EXPECT_EQ(client_->outcome, "upstream_overflow");
  client_->ask(*calls_, "GET", "", [](filter::SideRequest& request) { request.cluster = "other"; });
  world_.settle();
  EXPECT_EQ(client_->outcome, "no_cluster");
}

TEST_F(SideCallsTest, AnAnswerThatBreaksOffIsAFailure) {
  start();
  client_->ask(*calls_, "GET");
  answer("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\na");
  origin_.peers.back()->connection().close(net::CloseReason::kLocalReset);
  world_.settle();
  EXPECT_EQ(client_->outcome, "upstream_truncated");
}

TEST_F(SideCallsTest, AStalePooledConnectionIsTriedOnceMoreWhereThatIsAllowed) {
  start();
  for (const bool repeatable : {true, false}) {
    client_->ask(*calls_, "GET");
    answer(kOk);
    const size_t peers = origin_.peers.size();
    origin_.peers.back()->on_input = [](upstream::OriginPeer& peer) {
      peer.connection().close(net::CloseReason::kLocalReset);
    };
    client_->outcome.clear();
    client_->ask(*calls_, "POST", "body",
                 [repeatable](filter::SideRequest& request) { request.repeatable = repeatable; });
    world_.settle();
    if (!repeatable) {
      EXPECT_EQ(client_->outcome, "upstream_reset");
      continue;
    }
    ASSERT_EQ(origin_.peers.size(), peers + 1);
    const std::string& again = origin_.peers.back()->received;
    EXPECT_EQ(again.substr(again.find("\r\n\r\n") + 4), "body");
    answer(kOk);
    EXPECT_EQ(client_->outcome, "200 hi");
  }
}

TEST_F(SideCallsTest, AReceiverMayAskAgainFromWhatItIsTold) {
  start();
  Client second(world_.worker());
  client_->then = [&] { second.ask(*calls_, "GET"); };
  client_->ask(*calls_, "GET");
  answer(kOk);
  EXPECT_EQ(calls_->active(), 1u);
  answer(kOk);
  EXPECT_EQ(second.outcome, "200 hi");
  EXPECT_EQ(calls_->active(), 0u);
}

}  // namespace
}  // namespace weir::proxy
