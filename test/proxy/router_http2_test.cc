// Requests of HTTP/1.1 that go to an upstream of HTTP/2, and what is sent again when it refuses them.
#include <string>

#include "gtest/gtest.h"
#include "source/proxy/router.h"
#include "test/proxy/proxy_world.h"
#include "test/upstream/h2_origin.h"

namespace weir::proxy {
namespace {

constexpr std::string_view kPost = "POST /a HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n\r\nhello";

bool startsWith(std::string_view text, std::string_view start) { return text.substr(0, start.size()) == start; }

class RouterHttp2Test : public testing::Test {
 protected:
  std::string ask(std::string_view request) { return world_.ask(world_.client(), request); }
  // The stream of a request that was not answered, which is forgotten.
  uint32_t takeWaiting() {
    const uint32_t stream = origin_.at(0).waiting.back();
    origin_.at(0).waiting.pop_back();
    return stream;
  }
  void expectNothingHeld() {
    const upstream::Cluster& cluster = world_.clusters->find("c")->cluster();
    EXPECT_EQ(cluster.breaker(upstream::Priority::kDefault).retries.used(), 0u);
    EXPECT_EQ(cluster.breaker(upstream::Priority::kDefault).requests.used(), 0u);
    EXPECT_EQ(world_.gauge("cluster.c.upstream_rq_active"), 0);
  }

  ProxyWorld world_{{}, [](upstream::ClusterConfig& cluster) { cluster.protocol = upstream::Protocol::kHttp2; }};
  upstream::H2Origin origin_{world_.origin};
};

TEST_F(RouterHttp2Test, PassesRequestAndResponse) {
  origin_.answer_all = true;
  const std::string answer = ask(kPost);
  EXPECT_TRUE(startsWith(answer, "HTTP/1.1 200 OK\r\n")) << answer;
  EXPECT_EQ(origin_.at(0).data_bytes, 5u);
  EXPECT_EQ(world_.counter("cluster.c.upstream_cx_http2_total"), 1u);
  expectNothingHeld();
}

TEST_F(RouterHttp2Test, SendsARefusedRequestAgainWithItsBodyWhateverItsMethod) {
  origin_.answer_all = true;
  origin_.refuse_next = 2;
  const std::string answer = ask(kPost);
  EXPECT_TRUE(startsWith(answer, "HTTP/1.1 200 OK\r\n")) << answer;
  EXPECT_EQ(origin_.at(0).requests, 3u);
  EXPECT_EQ(origin_.at(0).data_bytes, 15u);
  EXPECT_EQ(world_.counter("cluster.c.upstream_rq_retry"), 2u);
  expectNothingHeld();
}

TEST_F(RouterHttp2Test, GivesUpAfterTheLastTry) {
  origin_.answer_all = true;
  origin_.refuse_next = 3;
  const std::string answer = ask(kPost);
  EXPECT_TRUE(startsWith(answer, "HTTP/1.1 503 ")) << answer;
  EXPECT_EQ(origin_.at(0).requests, 3u);
  EXPECT_EQ(world_.log.at(0), "503 upstream_reset POST /a");
  EXPECT_EQ(world_.counter("cluster.c.upstream_rq_rx_reset"), 1u);
  expectNothingHeld();
}

TEST_F(RouterHttp2Test, SendsAgainWhatIsAboveTheGoaway) {
  RawClient& first = world_.client();
  RawClient& second = world_.client();
  first.write(kPost);
  world_.settle();
  second.write(kPost);
  world_.settle();
  ASSERT_EQ(origin_.at(0).waiting.size(), 2u);
  origin_.answer_all = true;
  origin_.write(origin_.at(0), http::h2::goaway(1, 0));
  world_.settle();
  EXPECT_TRUE(startsWith(second.received, "HTTP/1.1 200 OK\r\n")) << second.received;
  ASSERT_EQ(origin_.connections.size(), 2u);
  EXPECT_EQ(first.received, "");
  origin_.answerWaiting(origin_.at(0));
  world_.settle();
  EXPECT_TRUE(startsWith(first.received, "HTTP/1.1 200 OK\r\n")) << first.received;
  EXPECT_EQ(world_.gauge("cluster.c.upstream_cx_active"), 1);
  expectNothingHeld();
}

TEST_F(RouterHttp2Test, WhatWasNotProcessedDoesNotCountAsARetryOfTheBreaker) {
  for (int i = 0; i < 20; ++i) world_.client().write(kPost);
  world_.settle();
  ASSERT_EQ(origin_.at(0).waiting.size(), 20u);
  origin_.answer_all = true;
  origin_.write(origin_.at(0), http::h2::goaway(0, 0));
  world_.settle();
  for (const auto& client : world_.clients) EXPECT_TRUE(startsWith(client->received, "HTTP/1.1 200 "));
  EXPECT_EQ(world_.counter("cluster.c.upstream_rq_retry"), 20u);
  EXPECT_EQ(world_.counter("cluster.c.upstream_rq_retry_overflow"), 0u);
  expectNothingHeld();
}

TEST_F(RouterHttp2Test, DoesNotSendAgainWhatMayHaveBeenProcessed) {
  for (const uint32_t code : {2u, 8u, 11u}) {
    RawClient& client = world_.client();
    client.write(kGet);
    world_.settle();
    origin_.write(origin_.at(0), http::h2::rst(takeWaiting(), code));
    world_.settle();
    EXPECT_TRUE(startsWith(client.received, "HTTP/1.1 503 ")) << client.received;
  }
  EXPECT_EQ(world_.counter("cluster.c.upstream_rq_retry"), 0u);
  EXPECT_EQ(origin_.at(0).requests, 3u);
  expectNothingHeld();
}

TEST_F(RouterHttp2Test, ABodyThatIsTooLongToKeepIsNotSentAgain) {
  RawClient& client = world_.client();
  client.write("POST /a HTTP/1.1\r\nhost: h\r\ncontent-length: 80000\r\n\r\n" + std::string(80000, 'x'));
  world_.settle();
  origin_.write(origin_.at(0), http::h2::window(0, 100000) + http::h2::window(1, 100000));
  world_.settle();
  EXPECT_EQ(origin_.at(0).data_bytes, 80000u);
  origin_.write(origin_.at(0), http::h2::rst(takeWaiting(), 7));
  world_.settle();
  EXPECT_TRUE(startsWith(client.received, "HTTP/1.1 503 ")) << client.received;
  EXPECT_EQ(world_.counter("cluster.c.upstream_rq_retry"), 0u);
  expectNothingHeld();
}

}  // namespace
}  // namespace weir::proxy
