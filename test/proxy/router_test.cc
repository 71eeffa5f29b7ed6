#include "source/proxy/router.h"

#include <string>

#include "gtest/gtest.h"
#include "test/proxy/proxy_world.h"

namespace weir::proxy {
namespace {

using upstream::kOk;

bool startsWith(std::string_view text, std::string_view start) { return text.substr(0, start.size()) == start; }
bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

TEST(RouterTest, AnswersWith504ExactlyAtTheTimeoutAndDropsTheUpstream) {
  ProxyWorld world;
  RawClient& client = world.client();
  const base::MonotonicTime sent = world.upstream.simulation.now();
  client.write(kGet);
  world.settle();
  world.upstream.simulation.runFor(absl::Seconds(20));
  EXPECT_TRUE(startsWith(client.received, "HTTP/1.1 504 ")) << client.received;
  const absl::Duration took = client.last_received - sent;
  EXPECT_GE(took, absl::Seconds(15));
  EXPECT_LE(took, absl::Seconds(15) + absl::Milliseconds(10));
  EXPECT_EQ(world.log.at(0), "504 route_timeout GET /a");
  EXPECT_EQ(world.counter("cluster.c.upstream_rq_timeout"), 1u);
  EXPECT_EQ(world.origin.open(), 0u);
  // The client's connection is still good.
  world.origin.answerAll();
  EXPECT_TRUE(startsWith(world.ask(client, kGet), "HTTP/1.1 200 "));
}

TEST(RouterTest, StopsAResponseThatIsNotWholeAtTheTimeout) {
  ProxyWorld world;
  RawClient& client = world.client();
  client.write(kGet);
  world.settle();
  world.origin.peers.at(0)->write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc");
  world.upstream.simulation.runFor(absl::Seconds(16));
  EXPECT_TRUE(contains(client.received, "\r\n\r\nabc"));
  EXPECT_TRUE(client.ended || client.closed.has_value());
  EXPECT_EQ(world.log.at(0), "200 route_timeout GET /a");
}

TEST(RouterTest, CountsResponsesUnlessItIsToldNotTo) {
  for (const bool counts : {true, false}) {
    ProxyWorld world([counts](ProxyWorld::Setup& setup) { setup.config->counts_responses = counts; });
    world.origin.answerAll();
    EXPECT_TRUE(startsWith(world.ask(world.client(), kGet), "HTTP/1.1 200 "));
    EXPECT_EQ(world.counter("cluster.c.upstream_rq_2xx"), counts ? 1u : 0u);
    EXPECT_EQ(world.counter("cluster.c.upstream_rq_completed"), counts ? 1u : 0u);
    EXPECT_EQ(world.counter("cluster.c.upstream_rq_total"), 1u);
    EXPECT_EQ(world.counter("http.p.downstream_rq_2xx"), 1u);
  }
}

TEST(RouterTest, AnswersWith503WhereNobodyListens) {
  ProxyWorld world;
  world.origin.stop();
  world.settle();
  const std::string answer = world.ask(world.client(), kGet);
  EXPECT_TRUE(startsWith(answer, "HTTP/1.1 503 ")) << answer;
  EXPECT_EQ(world.log.at(0), "503 upstream_connect_failure GET /a");
  EXPECT_EQ(world.counter("cluster.c.upstream_rq_5xx"), 1u);
}

TEST(RouterTest, AnswersWith503AndSaysOverloadedWhenABreakerIsOpen) {
  ProxyWorld world({}, [](upstream::ClusterConfig& cluster) { cluster.thresholds[0].max_requests = 1; });
  RawClient& first = world.client();
  first.write(kGet);
  world.settle();
  const std::string answer = world.ask(world.client(), kGet);
  EXPECT_TRUE(startsWith(answer, "HTTP/1.1 503 ")) << answer;
  EXPECT_TRUE(contains(answer, "x-envoy-overloaded: true\r\n")) << answer;
  EXPECT_EQ(world.log.at(0), "503 upstream_overflow GET /a");
}

TEST(RouterTest, AnswersWithTheConfiguredStatusForAnUnknownCluster) {
  ProxyWorld world([](ProxyWorld::Setup& setup) {
    ForwardAction action;
    action.cluster_header = "x-cluster";
    action.cluster_not_found_status = 404;
    setup.route->action = action;
  });
  world.origin.answerAll();
  RawClient& client = world.client();
  EXPECT_TRUE(startsWith(world.ask(client, kGet), "HTTP/1.1 404 "));
  EXPECT_EQ(world.log.at(0), "404 no_cluster GET /a");
  EXPECT_TRUE(startsWith(world.ask(client, "GET / HTTP/1.1\r\nhost: h\r\nx-cluster: c\r\n\r\n"), "HTTP/1.1 200 "));
}

TEST(RouterTest, ResetsTheUpstreamAsSoonAsTheClientIsGone) {
  ProxyWorld world;
  RawClient& client = world.client();
  client.write(kGet);
  world.settle();
  ASSERT_EQ(world.origin.open(), 1u);
  const base::MonotonicTime before = world.upstream.simulation.now();
  client.drop();
  world.upstream.simulation.runUntil([&] { return world.origin.open() == 0; });
  EXPECT_LE(world.upstream.simulation.now() - before, absl::Milliseconds(10));
  EXPECT_EQ(world.log.at(0), "0 client_gone GET /a");
  EXPECT_EQ(world.counter("http.p.downstream_rq_rx_reset"), 1u);
  EXPECT_EQ(world.gauge("http.p.downstream_rq_active"), 0);
}

TEST(RouterTest, GivesUpForAClientThatHasFinishedItsSide) {
  // Where the request is when the client ends its half: waiting for a connection, with the upstream, half answered.
  for (const std::string_view from_origin : {"-", "", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"}) {
    ProxyWorld world;
    RawClient& client = world.client();
    client.write(kGet);
    if (from_origin != "-") world.settle();
    if (from_origin.size() > 1) world.origin.peers.at(0)->write(from_origin);
    world.settle();
    const base::MonotonicTime before = world.upstream.simulation.now();
    client.finish();
    world.upstream.simulation.runUntil([&] { return !world.log.empty(); });
    world.settle();
    EXPECT_LE(world.upstream.simulation.now() - before, absl::Milliseconds(300));
    EXPECT_EQ(world.log.at(0), from_origin.size() > 1 ? "200 client_gone GET /a" : "0 client_gone GET /a");
    EXPECT_EQ(world.counter("http.p.downstream_rq_5xx"), 0u);
    EXPECT_EQ(world.counter("http.p.downstream_rq_rx_reset"), 1u);
    EXPECT_EQ(world.upstream.counter("upstream_rq_tx_reset"), 1u);
    EXPECT_EQ(world.origin.open(), 0u);
    EXPECT_TRUE(client.ended);
  }
}

TEST(RouterTest, GivesUpWhenTheEndComesWithTheRequest) {
  ProxyWorld world;
  RawClient& client = world.client();
  client.write(kGet);
  client.finish();
  world.settle();
  EXPECT_EQ(world.log.at(0), "0 client_gone GET /a");
  EXPECT_EQ(world.counter("http.p.downstream_rq_5xx"), 0u);
  for (const auto& peer : world.origin.peers) EXPECT_EQ(peer->received, "");
}

TEST(RouterTest, StillSaysWhatItAnswersByItselfToAClientThatHasFinishedItsSide) {
  ProxyWorld world([](ProxyWorld::Setup& setup) {
    ProxyWorld::addRoute(*setup.host, "/direct").action = DirectAction{200, "made here"};
    ProxyWorld::addRoute(*setup.host, "/gone").action.emplace<ForwardAction>().cluster = "none";
  });
  RawClient& client = world.client();
  client.write("GET /direct HTTP/1.1\r\nhost: h\r\n\r\nGET /gone HTTP/1.1\r\nhost: h\r\n\r\n");
  client.finish();
  world.settle();
  EXPECT_TRUE(contains(client.received, "\r\n\r\nmade here")) << client.received;
  EXPECT_TRUE(contains(client.received, "HTTP/1.1 503 ")) << client.received;
  EXPECT_TRUE(client.ended);
  EXPECT_EQ(world.log.at(1), "503 no_cluster GET /gone");
}

TEST(RouterTest, GivesAClientThatHasFinishedItsSideTheRestOfAWholeAnswer) {
  ProxyWorld world;
  RawClient& client = world.client();
  client.pauseReading(true);
  client.write(kGet);
  world.settle();
  world.origin.peers.at(0)->write("HTTP/1.1 200 OK\r\ncontent-length: 20000\r\n\r\n" + std::string(20000, 'b'));
  world.settle();
  client.finish();
  world.settle();
  client.pauseReading(false);
  world.settle();
  EXPECT_GE(client.received_bytes, 20000u);
  EXPECT_EQ(world.log.at(0), "200  GET /a");
}

TEST(RouterTest, NeverMakesASuccessOfAFailedUpstream) {
  struct Case {
    std::string_view from_origin;
    std::string_view answer;
    std::string_view log;
  };
  const Case cases[] = {
      {"", "HTTP/1.1 503 ", "503 upstream_reset GET /a"},
      {"HTTP/1.1 200 O", "HTTP/1.1 502 ", "502 upstream_truncated GET /a"},
      {"HTTP/1.1 200 OK\r\nbad header: 1\r\n\r\n", "HTTP/1.1 502 ", "502 upstream_protocol_error GET /a"},
      {"garbage\r\n\r\n", "HTTP/1.1 502 ", "502 upstream_protocol_error GET /a"},
  };
  for (const Case& c : cases) {
    ProxyWorld world;
    RawClient& client = world.client();
    client.write(kGet);
    world.settle();
    upstream::OriginPeer& peer = *world.origin.peers.at(0);
    if (!c.from_origin.empty()) peer.write(c.from_origin);
    peer.connection().closeAfterFlush(absl::ZeroDuration());
    world.settle();
    EXPECT_TRUE(startsWith(client.received, c.answer)) << client.received;
    EXPECT_EQ(world.log.at(0), c.log);
    EXPECT_FALSE(client.ended);
  }
}

TEST(RouterTest, BreaksOffAResponseThatTheUpstreamBrokeOff) {
  ProxyWorld world;
  RawClient& client = world.client();
  client.write(kGet);
  world.settle();
  upstream::OriginPeer& peer = *world.origin.peers.at(0);
  peer.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n");
  peer.connection().closeAfterFlush(absl::ZeroDuration());
  world.settle();
  EXPECT_TRUE(contains(client.received, "abc")) << client.received;
  EXPECT_FALSE(contains(client.received, "0\r\n\r\n")) << client.received;
  EXPECT_TRUE(client.ended || client.closed.has_value());
  EXPECT_EQ(world.log.at(0), "200 upstream_truncated GET /a");
}

TEST(RouterTest, SendsAgainWhatMetAConnectionThatWasClosedAlready) {
  ProxyWorld world;
  RawClient& client = world.client();
  client.write(kGet);
  world.settle();
  world.origin.peers.at(0)->write(kOk);
  world.settle();
  // The second request arrives, and the origin answers it with a close, as one that had timed out does.
  client.received.clear();
  world.origin.peers.at(0)->on_input = [](upstream::OriginPeer& peer) {
    peer.connection().close(net::CloseReason::kLocalReset);
  };
  client.write("PUT /a HTTP/1.1\r\nhost: h\r\ncontent-length: 4\r\n\r\nbody");
  world.settle();
  ASSERT_EQ(world.origin.peers.size(), 2u);
  EXPECT_TRUE(contains(world.origin.peers[1]->received, "PUT /a ")) << world.origin.peers[1]->received;
  EXPECT_TRUE(contains(world.origin.peers[1]->received, "\r\n\r\nbody"));
  world.origin.peers[1]->write(kOk);
  world.settle();
  EXPECT_TRUE(startsWith(client.received, "HTTP/1.1 200 ")) << client.received;
  EXPECT_EQ(world.counter("cluster.c.upstream_rq_retry"), 1u);
}

TEST(RouterTest, DoesNotSendAgainWhatMightHaveBeenDone) {
  ProxyWorld world;
  RawClient& client = world.client();
  client.write(kGet);
  world.settle();
  world.origin.peers.at(0)->write(kOk);
  world.settle();
  client.received.clear();
  world.origin.peers.at(0)->on_input = [](upstream::OriginPeer& peer) {
    peer.connection().close(net::CloseReason::kLocalReset);
  };
  client.write("POST /a HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\n\r\n");
  world.settle();
  EXPECT_EQ(world.origin.peers.size(), 1u);
  EXPECT_TRUE(startsWith(client.received, "HTTP/1.1 503 ")) << client.received;
}

TEST(RouterTest, HoldsAnUploadInBoundedMemoryUntilTheUpstreamReads) {
  ProxyWorld world({}, [](upstream::ClusterConfig& cluster) { cluster.buffer_limit = 32 * 1024; });
  RawClient& client = world.client();
  const size_t kBytes = 8 * 1024 * 1024;
  client.write("PUT /a HTTP/1.1\r\nhost: h\r\ncontent-length: " + std::to_string(kBytes) + "\r\n\r\n");
  world.settle();
  upstream::OriginPeer& peer = *world.origin.peers.at(0);
  peer.keep_bytes = false;
  peer.connection().pauseReading(true);
  client.write(std::string(kBytes, 'x'));
  world.settle();
  // Input and output buffers, what one read may bring on top, and slack for partly filled blocks.
  EXPECT_LT(world.upstream.worker().blocks.inUse() * buffer::Block::kBytes, 512u * 1024);
  peer.connection().pauseReading(false);
  world.settle();
  EXPECT_GT(peer.received_bytes, kBytes);
  peer.write(kOk);
  world.settle();
  EXPECT_TRUE(startsWith(client.received, "HTTP/1.1 200 ")) << client.received;
}

TEST(RouterTest, HoldsADownloadInBoundedMemoryUntilTheClientReads) {
  ProxyWorld world({}, [](upstream::ClusterConfig& cluster) { cluster.buffer_limit = 32 * 1024; });
  RawClient& client = world.client();
  client.keep_bytes = false;
  client.write(kGet);
  world.settle();
  client.pauseReading(true);
  const size_t kBytes = 8 * 1024 * 1024;
  upstream::OriginPeer& peer = *world.origin.peers.at(0);
  peer.write("HTTP/1.1 200 OK\r\ncontent-length: " + std::to_string(kBytes) + "\r\n\r\n");
  peer.write(std::string(kBytes, 'x'));
  world.settle();
  EXPECT_LT(world.upstream.worker().blocks.inUse() * buffer::Block::kBytes, 512u * 1024);
  client.pauseReading(false);
  world.settle();
  EXPECT_GT(client.received_bytes, kBytes);
  EXPECT_EQ(world.log.at(0), "200  GET /a");
}

TEST(RouterTest, RewritesHostAndPathAndTellsTheOriginalPath) {
  ProxyWorld world([](ProxyWorld::Setup& setup) {
    ForwardAction action;
    action.cluster = "c";
    action.prefix_rewrite = "/new/";
    action.host_rewrite_literal = "inner";
    action.append_x_forwarded_host = true;
    setup.route->action = action;
  });
  world.client().write("GET /a?q HTTP/1.1\r\nhost: outer\r\n\r\n");
  world.settle();
  const std::string& seen = world.origin.peers.at(0)->received;
  EXPECT_TRUE(startsWith(seen, "GET /new/a?q HTTP/1.1\r\nhost: inner\r\n")) << seen;
  EXPECT_TRUE(contains(seen, "x-envoy-original-path: /a?q\r\n")) << seen;
  EXPECT_TRUE(contains(seen, "x-forwarded-host: outer\r\n")) << seen;
}

TEST(RouterTest, EndsAStreamThatIsIdleOrTooLong) {
  ProxyWorld idle([](ProxyWorld::Setup& setup) { setup.config->stream_idle_timeout = absl::Seconds(5); });
  RawClient& client = idle.client();
  client.write("PUT /a HTTP/1.1\r\nhost: h\r\ncontent-length: 9\r\n\r\nabc");
  idle.upstream.simulation.runFor(absl::Seconds(6));
  EXPECT_TRUE(startsWith(client.received, "HTTP/1.1 408 ")) << client.received;
  EXPECT_EQ(idle.log.at(0), "408 stream_idle_timeout PUT /a");
  EXPECT_EQ(idle.counter("http.p.downstream_rq_idle_timeout"), 1u);

  ProxyWorld upload([](ProxyWorld::Setup& setup) { setup.config->request_timeout = absl::Seconds(3); });
  RawClient& slow = upload.client();
  for (int i = 0; i < 4; ++i) {
    slow.write(i == 0 ? "PUT /a HTTP/1.1\r\nhost: h\r\ncontent-length: 9\r\n\r\na" : "b");
    upload.upstream.simulation.runFor(absl::Seconds(1));
  }
  EXPECT_TRUE(startsWith(slow.received, "HTTP/1.1 408 ")) << slow.received;
  EXPECT_EQ(upload.log.at(0), "408 request_timeout PUT /a");
}

}  // namespace
}  // namespace weir::proxy
