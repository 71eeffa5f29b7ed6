// CONNECT that ends at weir, over HTTP/1.1 and HTTP/2: what becomes of bytes, ends and resets.
#include "source/proxy/tunnel_stream.h"

#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "test/proxy/h2_ends.h"

namespace weir::proxy {
namespace {

using http::h2::Call;

constexpr std::string_view kConnect = "CONNECT far:443 HTTP/1.1\r\nhost: far:443\r\n\r\n";

bool startsWith(std::string_view text, std::string_view start) { return text.substr(0, start.size()) == start; }
bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

void endTunnels(ProxyWorld::Setup& setup) {
  Route& route = ProxyWorld::addRoute(*setup.host, "");
  setup.host->routes.front().first.path_kind = RouteMatch::PathKind::kConnect;
  auto& action = route.action.emplace<ForwardAction>();
  action.cluster = "c";
  action.upgrades.emplace_back("connect", true);
  action.tunnel = std::make_shared<const ForwardAction::Tunnel>();
  auto& other = std::get<ForwardAction>(setup.route->action);
  other.tunnel = std::make_shared<const ForwardAction::Tunnel>(ForwardAction::Tunnel{true});
}

// A client whose tunnel is open, and the upstream's end of it.
struct Tunnel {
  Tunnel() : client(world.client()), head(world.ask(client, kConnect)), peer(*world.origin.peers.at(0)) {
    client.received.clear();
  }
  ProxyWorld world{endTunnels};
  RawClient& client;
  const std::string head;
  upstream::OriginPeer& peer;
};

struct H2Tunnel {
  H2Tunnel() {
    call->send(call->newRequest("CONNECT", "", "far:443"));
    client.settle();
  }
  upstream::OriginPeer& peer() { return *world.origin.peers.at(0); }
  ProxyWorld world{endTunnels};
  H2Client client{world};
  Call* call = &client.open();
};

TEST(TunnelStream, CarriesPlainBytesBothWays) {
  Tunnel tunnel;
  EXPECT_TRUE(startsWith(tunnel.head, "HTTP/1.1 200 OK\r\n")) << tunnel.head;
  EXPECT_FALSE(contains(tunnel.head, "content-length")) << tunnel.head;
  EXPECT_FALSE(contains(tunnel.head, "transfer-encoding")) << tunnel.head;
  EXPECT_EQ(tunnel.peer.received, "");
  EXPECT_EQ(tunnel.world.ask(tunnel.client, "ping"), "");
  EXPECT_EQ(tunnel.peer.received, "ping");
  tunnel.peer.write("pong");
  tunnel.world.settle();
  EXPECT_EQ(tunnel.client.received, "pong");
  // Longer than any timeout of a route.
  tunnel.world.upstream.simulation.runFor(absl::Seconds(60));
  EXPECT_EQ(tunnel.world.ask(tunnel.client, "still"), "");
  EXPECT_EQ(tunnel.peer.received, "pingstill");
  EXPECT_EQ(tunnel.world.counter("cluster.c.upstream_cx_tx_bytes_total"), 9u);
  EXPECT_EQ(tunnel.world.counter("cluster.c.upstream_cx_rx_bytes_total"), 4u);
}

TEST(TunnelStream, BytesBehindTheRequestFollowWhenItIsOpen) {
  ProxyWorld world(endTunnels);
  world.upstream.wire.link(world.origin.address()).latency = absl::Milliseconds(20);
  RawClient& client = world.client();
  world.ask(client, std::string(kConnect) + "early");
  EXPECT_EQ(world.origin.peers.at(0)->received, "early");
}

TEST(TunnelStream, TheUpstreamMayAnswerAClientThatHasSaidAll) {
  Tunnel tunnel;
  tunnel.client.write("question");
  tunnel.client.finish();
  tunnel.world.settle();
  EXPECT_EQ(tunnel.peer.received, "question");
  EXPECT_TRUE(tunnel.peer.ended);
  EXPECT_FALSE(tunnel.client.ended);
  tunnel.peer.write("answer");
  tunnel.peer.connection().finishOutput();
  tunnel.world.settle();
  EXPECT_EQ(tunnel.client.received, "answer");
  EXPECT_TRUE(tunnel.client.ended);
  EXPECT_EQ(tunnel.world.log.back(), "200  CONNECT ");
  EXPECT_EQ(tunnel.world.gauge("cluster.c.upstream_cx_active"), 0);
}

TEST(TunnelStream, TheEndOfTheUpstreamEndsIt) {
  Tunnel tunnel;
  tunnel.client.write("last request");
  tunnel.world.settle();
  tunnel.peer.write("last words");
  tunnel.peer.connection().finishOutput();
  tunnel.world.settle();
  EXPECT_EQ(tunnel.client.received, "last words");
  EXPECT_TRUE(tunnel.client.ended);
  EXPECT_EQ(tunnel.peer.received, "last request");
  EXPECT_EQ(tunnel.world.log.back(), "200  CONNECT ");
}

TEST(TunnelStream, AResetOfTheUpstreamReachesTheClient) {
  Tunnel tunnel;
  tunnel.peer.connection().close(net::CloseReason::kLocalReset);
  tunnel.world.settle();
  EXPECT_TRUE(tunnel.client.closed.has_value() || tunnel.client.ended);
  EXPECT_EQ(tunnel.world.log.back(), "200 upstream_reset CONNECT ");
  EXPECT_EQ(tunnel.world.counter("cluster.c.upstream_rq_rx_reset"), 1u);
}

TEST(TunnelStream, AClientThatIsGoneResetsTheUpstreamAtOnce) {
  Tunnel tunnel;
  tunnel.client.drop();
  tunnel.world.upstream.simulation.runFor(absl::Milliseconds(10));
  EXPECT_TRUE(tunnel.peer.closed.has_value());
  EXPECT_EQ(tunnel.world.log.back(), "200 client_gone CONNECT ");
  EXPECT_EQ(tunnel.world.gauge("cluster.c.upstream_cx_active"), 0);
}

TEST(TunnelStream, WhoDoesNotReadStallsTheOtherEnd) {
  Tunnel tunnel;
  tunnel.client.pauseReading(true);
  const size_t head = tunnel.client.received_bytes;
  tunnel.peer.write(std::string(8 * 1024 * 1024, 'x'));
  tunnel.world.settle();
  EXPECT_GT(tunnel.peer.connection().output().size(), 2u * 1024 * 1024);
  tunnel.client.keep_bytes = false;
  tunnel.client.pauseReading(false);
  tunnel.world.settle();
  EXPECT_EQ(tunnel.client.received_bytes - head, 8u * 1024 * 1024);
}

TEST(TunnelStream, AHostThatRefusesIsAnsweredBeforeTheTunnelOpens) {
  ProxyWorld world(endTunnels);
  world.origin.stop();
  RawClient& client = world.client();
  EXPECT_TRUE(startsWith(world.ask(client, kConnect), "HTTP/1.1 503 "));
  EXPECT_EQ(world.log.back(), "503 upstream_connect_failure CONNECT ");
}

TEST(TunnelStream, APostMayOpenOneAsWell) {
  ProxyWorld world(endTunnels);
  RawClient& client = world.client();
  const std::string answer =
      world.ask(client, "POST /t HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n4\r\nping\r\n");
  EXPECT_TRUE(startsWith(answer, "HTTP/1.1 200 OK\r\n")) << answer;
  upstream::OriginPeer& peer = *world.origin.peers.at(0);
  EXPECT_EQ(peer.received, "ping");
  world.upstream.simulation.runFor(absl::Seconds(60));
  client.received.clear();
  client.write("0\r\n\r\n");
  world.settle();
  EXPECT_TRUE(peer.ended);
  peer.write("pong");
  peer.connection().finishOutput();
  world.settle();
  EXPECT_EQ(client.received, "4\r\npong\r\n0\r\n\r\n");
  // Any other method is a request like all others.
  world.ask(world.client(), kGet);
  EXPECT_TRUE(startsWith(world.origin.peers.at(1)->received, "GET /a HTTP/1.1\r\n"));
}

TEST(TunnelStream, OverHttp2EachHalfEndsByItself) {
  H2Tunnel tunnel;
  EXPECT_TRUE(startsWith(tunnel.call->log(), "200 ")) << tunnel.call->log();
  tunnel.call->sendData("question");
  tunnel.call->sendEnd();
  tunnel.client.settle();
  EXPECT_EQ(tunnel.peer().received, "question");
  EXPECT_TRUE(tunnel.peer().ended);
  EXPECT_FALSE(tunnel.call->ended());
  tunnel.peer().write("answer");
  tunnel.client.settle();
  EXPECT_TRUE(contains(tunnel.call->log(), "data(answer")) << tunnel.call->log();
  tunnel.peer().connection().finishOutput();
  tunnel.client.settle();
  EXPECT_TRUE(contains(tunnel.call->log(), "end\n")) << tunnel.call->log();
  EXPECT_EQ(tunnel.world.log.back(), "200  CONNECT ");
  EXPECT_FALSE(tunnel.client.raw.ended);
}

TEST(TunnelStream, OverHttp2AResetOfEitherEndReachesTheOther) {
  H2Tunnel upstream_resets;
  upstream_resets.peer().connection().close(net::CloseReason::kLocalReset);
  upstream_resets.client.settle();
  EXPECT_TRUE(contains(upstream_resets.call->log(), "failed(")) << upstream_resets.call->log();
  EXPECT_FALSE(upstream_resets.client.raw.ended);

  H2Tunnel client_resets;
  client_resets.call->release();
  client_resets.client.settle();
  EXPECT_TRUE(client_resets.peer().closed.has_value());
  EXPECT_EQ(client_resets.world.log.back(), "200 client_gone CONNECT ");
  EXPECT_FALSE(client_resets.client.raw.ended);
}

}  // namespace
}  // namespace weir::proxy
