#include "source/proxy/http_connection_manager.h"

#include <string>

#include "gtest/gtest.h"
#include "test/proxy/proxy_world.h"

namespace weir::proxy {
namespace {

using testing::Test;
using upstream::kOk;

bool startsWith(std::string_view text, std::string_view start) { return text.substr(0, start.size()) == start; }
bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }
size_t count(std::string_view text, std::string_view part) {
  size_t n = 0;
  for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

TEST(HttpConnectionManagerTest, ForwardsARequestAndItsResponse) {
  ProxyWorld world;
  world.origin.answerAll();
  RawClient& client = world.client();
  const std::string answer = world.ask(client, kGet);
  EXPECT_TRUE(startsWith(answer, "HTTP/1.1 200 OK\r\n")) << answer;
  EXPECT_TRUE(contains(answer, "server: weir\r\n")) << answer;
  EXPECT_TRUE(contains(answer, "date: Thu, 01 Jan 2026 00:00:00 GMT\r\n")) << answer;
  EXPECT_TRUE(contains(answer, "x-envoy-upstream-service-time: 0\r\n")) << answer;
  EXPECT_TRUE(contains(answer, "\r\n\r\nhi")) << answer;
  EXPECT_FALSE(client.ended);
  ASSERT_EQ(world.log.size(), 1u);
  EXPECT_EQ(world.log[0], "200  GET /a");
  EXPECT_EQ(world.counter("http.p.downstream_rq_2xx"), 1u);
  EXPECT_EQ(world.counter("http.p.downstream_rq_total"), 1u);
  EXPECT_EQ(world.gauge("http.p.downstream_rq_active"), 0);
  EXPECT_EQ(world.counter("cluster.c.upstream_rq_2xx"), 1u);
}

TEST(HttpConnectionManagerTest, SendsForwardingHeadersUpstream) {
  ProxyWorld world;
  RawClient& client = world.client();
  client.write("GET /a HTTP/1.1\r\nhost: h:80\r\nconnection: keep-alive, x-hop\r\nx-hop: 1\r\nx-b: 2\r\n\r\n");
  world.settle();
  ASSERT_EQ(world.origin.peers.size(), 1u);
  const std::string& seen = world.origin.peers[0]->received;
  EXPECT_TRUE(startsWith(seen, "GET /a HTTP/1.1\r\nhost: h:80\r\n")) << seen;
  EXPECT_TRUE(contains(seen, "x-forwarded-proto: http\r\n")) << seen;
  EXPECT_TRUE(contains(seen, "x-envoy-expected-rq-timeout-ms: 15000\r\n")) << seen;
  EXPECT_TRUE(contains(seen, "x-b: 2\r\n")) << seen;
  EXPECT_FALSE(contains(seen, "x-hop")) << seen;
  const size_t id = seen.find("x-request-id: ");
  ASSERT_NE(id, std::string::npos) << seen;
  EXPECT_EQ(seen[id + 14 + 14], '4');  // the version of a UUID
  EXPECT_EQ(seen.substr(id + 14 + 36, 2), "\r\n");
}

TEST(HttpConnectionManagerTest, AnswersPipelinedRequestsInOrderOnOneUpstreamConnection) {
  ProxyWorld world([](ProxyWorld::Setup& setup) {
    ProxyWorld::addRoute(*setup.host, "/direct").action = DirectAction{201, "made"};
  });
  world.origin.answerAll();
  RawClient& client = world.client();
  const std::string answer =
      world.ask(client, std::string(kGet) + "GET /direct HTTP/1.1\r\nhost: h\r\n\r\n" + std::string(kGet));
  const size_t first = answer.find("200 OK");
  const size_t second = answer.find("201 Created");
  const size_t third = answer.rfind("200 OK");
  EXPECT_LT(first, second) << answer;
  EXPECT_LT(second, third) << answer;
  EXPECT_EQ(world.origin.peers.size(), 1u);
  EXPECT_EQ(world.counter("http.p.downstream_rq_completed"), 3u);
}

TEST(HttpConnectionManagerTest, AnswersDirectlyAndToHeadWithoutABody) {
  ProxyWorld world([](ProxyWorld::Setup& setup) { setup.route->action = DirectAction{200, "hello world"}; });
  RawClient& client = world.client();
  const std::string answer = world.ask(client, kGet);
  EXPECT_TRUE(contains(answer, "content-length: 11\r\n")) << answer;
  EXPECT_TRUE(contains(answer, "\r\n\r\nhello world")) << answer;
  const std::string head = world.ask(client, "HEAD /a HTTP/1.1\r\nhost: h\r\n\r\n");
  EXPECT_TRUE(contains(head, "content-length: 11\r\n")) << head;
  EXPECT_EQ(head.substr(head.size() - 4), "\r\n\r\n");
  EXPECT_EQ(world.log[1], "200 direct_response HEAD /a");
}

TEST(HttpConnectionManagerTest, RedirectsAndRefusesWhatHasNoRoute) {
  ProxyWorld world([](ProxyWorld::Setup& setup) {
    RedirectAction redirect;
    redirect.https = true;
    redirect.status = 302;
    setup.route->action = redirect;
    setup.host->routes[0].first.literal = "/r";
  });
  RawClient& client = world.client();
  EXPECT_TRUE(contains(world.ask(client, "GET /r HTTP/1.1\r\nhost: h\r\n\r\n"), "location: https://h/r\r\n"));
  EXPECT_TRUE(startsWith(world.ask(client, kGet), "HTTP/1.1 404 Not Found\r\n"));
  EXPECT_EQ(world.counter("http.p.no_route"), 1u);
  EXPECT_EQ(world.log[1], "404 no_route GET /a");
}

TEST(HttpConnectionManagerTest, RefusesBadPathsBeforeAnyRouteAndGoesOn) {
  ProxyWorld world(
      [](ProxyWorld::Setup& setup) { setup.config->request.path.escaped_slashes = http::EscapedSlashes::kReject; });
  world.origin.answerAll();
  RawClient& client = world.client();
  EXPECT_TRUE(startsWith(world.ask(client, "GET /a%2fb HTTP/1.1\r\nhost: h\r\n\r\n"), "HTTP/1.1 400 "));
  EXPECT_EQ(world.log.back(), "400 path_refused GET /a%2fb");
  EXPECT_TRUE(startsWith(world.ask(client, kGet), "HTTP/1.1 200 "));
}

TEST(HttpConnectionManagerTest, RedirectsEscapedSlashesToTheirPlainForm) {
  ProxyWorld world([](ProxyWorld::Setup& setup) {
    setup.config->request.path.escaped_slashes = http::EscapedSlashes::kUnescapeAndRedirect;
  });
  const std::string answer = world.ask(world.client(), "GET /a%2Fb?c HTTP/1.1\r\nhost: h\r\n\r\n");
  EXPECT_TRUE(startsWith(answer, "HTTP/1.1 307 ")) << answer;
  EXPECT_TRUE(contains(answer, "location: /a/b?c\r\n")) << answer;
  EXPECT_TRUE(world.origin.peers.empty());
}

TEST(HttpConnectionManagerTest, AnswersARequestThatDoesNotParseAndLogsIt) {
  ProxyWorld world;
  RawClient& client = world.client();
  EXPECT_TRUE(startsWith(world.ask(client, "GET /a HTTP/1.1\r\nhost : h\r\n\r\n"), "HTTP/1.1 400 "));
  EXPECT_TRUE(client.ended);
  EXPECT_EQ(world.log.size(), 1u);
  EXPECT_EQ(world.counter("http.p.downstream_cx_protocol_error"), 1u);
  EXPECT_EQ(world.counter("http.p.downstream_rq_4xx"), 1u);
}

TEST(HttpConnectionManagerTest, PassesContinueOnFromTheUpstream) {
  ProxyWorld world;
  RawClient& client = world.client();
  world.ask(client, "PUT /a HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\nexpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.received, "");
  upstream::OriginPeer& peer = *world.origin.peers.at(0);
  EXPECT_TRUE(contains(peer.received, "expect: 100-continue\r\n")) << peer.received;
  peer.write("HTTP/1.1 100 Continue\r\n\r\n");
  world.settle();
  EXPECT_TRUE(startsWith(client.received, "HTTP/1.1 100 Continue\r\n")) << client.received;
  client.write("abc");
  world.settle();
  EXPECT_TRUE(contains(peer.received, "\r\n\r\nabc")) << peer.received;
  peer.write(kOk);
  world.settle();
  EXPECT_TRUE(contains(client.received, "HTTP/1.1 200 OK\r\n")) << client.received;
}

TEST(HttpConnectionManagerTest, OpensAnUpgradeOnlyWhereItIsAllowed) {
  constexpr std::string_view kUpgrade =
      "GET /ws HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
  ProxyWorld refusing;
  EXPECT_TRUE(startsWith(refusing.ask(refusing.client(), kUpgrade), "HTTP/1.1 403 "));
  EXPECT_EQ(refusing.log.back(), "403 upgrade_refused GET /ws");

  ProxyWorld world([](ProxyWorld::Setup& setup) { setup.config->upgrades.emplace_back("websocket", true); });
  RawClient& client = world.client();
  world.ask(client, kUpgrade);
  upstream::OriginPeer& peer = *world.origin.peers.at(0);
  EXPECT_TRUE(contains(peer.received, "upgrade: websocket\r\n")) << peer.received;
  peer.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nfrom");
  world.settle();
  EXPECT_TRUE(startsWith(client.received, "HTTP/1.1 101 ")) << client.received;
  EXPECT_TRUE(contains(client.received, "\r\n\r\nfrom")) << client.received;
  peer.received.clear();
  client.write("to");
  world.settle();
  EXPECT_EQ(peer.received, "to");
  // Longer than any route timeout; the tunnel stays.
  world.upstream.simulation.runFor(absl::Seconds(60));
  EXPECT_FALSE(client.ended);
  peer.connection().closeAfterFlush(absl::ZeroDuration());
  world.settle();
  EXPECT_TRUE(client.ended);
  EXPECT_EQ(world.log.back(), "101  GET /ws");
}

TEST(HttpConnectionManagerTest, ClosesAnIdleConnectionAndOneWhoseHeadDoesNotCome) {
  ProxyWorld world([](ProxyWorld::Setup& setup) { setup.config->idle_timeout = absl::Seconds(60); });
  RawClient& idle = world.client();
  RawClient& slow = world.client();
  slow.write("GET /a HTT");
  world.upstream.simulation.runFor(absl::Milliseconds(9'500));
  EXPECT_FALSE(slow.ended);
  world.upstream.simulation.runFor(absl::Milliseconds(510));
  EXPECT_TRUE(startsWith(slow.received, "HTTP/1.1 408 ")) << slow.received;
  EXPECT_TRUE(slow.ended);
  EXPECT_EQ(world.counter("http.p.downstream_rq_header_timeout"), 1u);
  EXPECT_FALSE(idle.ended);
  world.upstream.simulation.runFor(absl::Seconds(51));
  EXPECT_TRUE(idle.ended);
  EXPECT_EQ(idle.received, "");
  EXPECT_EQ(world.counter("http.p.downstream_cx_idle_timeout"), 1u);
}

TEST(HttpConnectionManagerTest, DrainsByAnsweringWithConnectionClose) {
  ProxyWorld world;
  RawClient& busy = world.client();
  RawClient& idle = world.client();
  busy.write(kGet);
  world.settle();
  world.draining = true;
  world.listener->drain();
  world.settle();
  EXPECT_TRUE(idle.ended);
  EXPECT_FALSE(busy.ended);
  world.origin.peers.at(0)->write(kOk);
  world.settle();
  EXPECT_TRUE(contains(busy.received, "connection: close\r\n")) << busy.received;
  EXPECT_TRUE(contains(busy.received, "\r\n\r\nhi")) << busy.received;
  EXPECT_TRUE(busy.ended);
  world.upstream.simulation.runFor(absl::Seconds(2));
  EXPECT_EQ(world.listener->connections(), 0u);
}

TEST(HttpConnectionManagerTest, ClosesAfterTheLastRequestThatAConnectionMayCarry) {
  ProxyWorld world([](ProxyWorld::Setup& setup) { setup.config->max_requests_per_connection = 2; });
  world.origin.answerAll();
  RawClient& client = world.client();
  EXPECT_FALSE(contains(world.ask(client, kGet), "connection: close"));
  EXPECT_TRUE(contains(world.ask(client, kGet), "connection: close"));
  EXPECT_TRUE(client.ended);
  EXPECT_EQ(world.counter("http.p.downstream_cx_max_requests_reached"), 1u);
}

TEST(HttpConnectionManagerTest, SaysCloseOnAConnectionThatIsTooOldAndThenDropsIt) {
  ProxyWorld world([](ProxyWorld::Setup& setup) { setup.config->max_connection_duration = absl::Seconds(30); });
  world.origin.answerAll();
  RawClient& asks = world.client();
  RawClient& silent = world.client();
  world.upstream.simulation.runFor(absl::Seconds(31));
  EXPECT_FALSE(silent.ended);
  EXPECT_TRUE(contains(world.ask(asks, kGet), "connection: close\r\n"));
  world.upstream.simulation.runFor(absl::Seconds(5));
  EXPECT_TRUE(silent.ended);
  EXPECT_EQ(world.counter("http.p.downstream_cx_max_duration_reached"), 2u);
}

TEST(HttpConnectionManagerTest, AConnectionThatIsTooOldMayWaitForItsNextResponse) {
  ProxyWorld world([](ProxyWorld::Setup& setup) {
    setup.config->max_connection_duration = absl::Seconds(30);
    setup.config->closes_with_response = true;
    setup.config->idle_timeout = absl::Minutes(10);
  });
  world.origin.answerAll();
  RawClient& asks = world.client();
  RawClient& silent = world.client();
  EXPECT_FALSE(contains(world.ask(asks, kGet), "connection: close\r\n"));
  world.upstream.simulation.runFor(absl::Minutes(5));
  EXPECT_FALSE(asks.ended);
  EXPECT_TRUE(contains(world.ask(asks, kGet), "connection: close\r\n"));
  EXPECT_TRUE(asks.ended);
  EXPECT_FALSE(silent.ended);
  EXPECT_EQ(world.counter("http.p.downstream_cx_max_duration_reached"), 2u);
  world.upstream.simulation.runFor(absl::Minutes(6));
  EXPECT_TRUE(silent.ended);
}

TEST(HttpConnectionManagerTest, RefusesConnectionsAboveTheLimitOfTheProcess) {
  ProxyWorld world({}, {}, 1);
  RawClient& first = world.client();
  RawClient& second = world.client();
  EXPECT_FALSE(first.ended);
  EXPECT_TRUE(second.ended || second.closed.has_value());
  EXPECT_EQ(world.counter("listener.listener.downstream_cx_overflow"), 1u);
  first.drop();
  world.settle();
  EXPECT_EQ(world.limit.used(), 0u);
  world.origin.answerAll();
  EXPECT_EQ(count(world.ask(world.client(), kGet), "200 OK"), 1u);
}

TEST(HttpConnectionManagerTest, HoldsNoBlockAndFewBytesForAnIdleConnection) {
  ProxyWorld world;
  world.origin.answerAll();
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(startsWith(world.ask(world.client(), kGet), "HTTP/1.1 200 "));
  EXPECT_EQ(world.listener->connections(), 50u);
  EXPECT_EQ(world.upstream.worker().blocks.inUse(), 0u);
  // With the socket, the whole stays below 1.2 KiB. The codecs are in the pool again.
  EXPECT_LE(sizeof(DownstreamConnection) + sizeof(HttpConnectionManager), 920u);
  // And when it stays idle, below 0.5 KiB.
  EXPECT_LE(sizeof(ParkedConnection), 168u);
}

TEST(HttpConnectionManagerTest, AnswersBeforeTheBodyHasComeAndDropsWhatIsLeftOfIt) {
  ProxyWorld world([](ProxyWorld::Setup& setup) { setup.route->action = DirectAction{403, "no"}; });
  RawClient& client = world.client();
  const std::string small = world.ask(client, "PUT /a HTTP/1.1\r\nhost: h\r\ncontent-length: 4\r\n\r\n");
  EXPECT_TRUE(startsWith(small, "HTTP/1.1 403 ")) << small;
  // A small rest is read, so that the connection lives on.
  EXPECT_TRUE(startsWith(world.ask(client, "body" + std::string(kGet)), "HTTP/1.1 403 "));
  const std::string large = world.ask(client, "PUT /a HTTP/1.1\r\nhost: h\r\ncontent-length: 100000000\r\n\r\nabc");
  EXPECT_TRUE(contains(large, "connection: close\r\n")) << large;
  EXPECT_TRUE(client.ended);
  EXPECT_EQ(world.log.size(), 3u);
}

TEST(HttpConnectionManagerTest, EndsWhatIsInFlightWhenEverythingIsClosed) {
  ProxyWorld world;
  RawClient& client = world.client();
  world.ask(client, kGet);
  world.listener->closeAll();
  world.settle();
  EXPECT_TRUE(client.ended || client.closed.has_value());
  EXPECT_EQ(world.origin.open(), 0u);
  EXPECT_EQ(world.log.at(0), "0 draining GET /a");
  EXPECT_EQ(world.gauge("http.p.downstream_rq_active"), 0);
  EXPECT_EQ(world.gauge("http.p.downstream_cx_active"), 0);
  EXPECT_EQ(world.limit.used(), 0u);
}

}  // namespace
}  // namespace weir::proxy
