// CONNECT and WebSocket over a client's HTTP/2 connection, into HTTP/1.1 and into HTTP/2, and back.
#include <string>

#include "gtest/gtest.h"
#include "test/proxy/h2_ends.h"

namespace weir::proxy {
namespace {

using http::h2::Call;

bool startsWith(std::string_view text, std::string_view start) { return text.substr(0, start.size()) == start; }
bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

void allowWebSocket(ProxyWorld::Setup& setup) {
  setup.config->h2.allow_connect = true;
  setup.config->upgrades.emplace_back("websocket", true);
}

void toHttp2(upstream::ClusterConfig& config) { config.protocol = upstream::Protocol::kHttp2; }

Call& askForWebSocket(H2Client& client) {
  client.settle();  // so that the client has seen the SETTINGS that allow it
  Call& call = client.open();
  http::Head& head = call.newRequest("GET", "/chat");
  head.upgrade = "websocket";
  head.headers.add("sec-websocket-version", "13");
  call.send(head);
  client.settle();
  return call;
}

// The client's first bytes, so that weir has something to answer with SETTINGS.
void greet(H2Client& client) {
  client.get("/hello");
  client.settle();
}

TEST(H2Tunnel, CarriesAWebSocketIntoAnUpgradeAndBack) {
  ProxyWorld world(allowWebSocket);
  H2Client client(world);
  greet(client);
  Call& call = askForWebSocket(client);
  upstream::OriginPeer& peer = *world.origin.peers.at(1);
  EXPECT_TRUE(startsWith(peer.received, "GET /chat HTTP/1.1\r\n")) << peer.received;
  EXPECT_TRUE(contains(peer.received, "upgrade: websocket\r\n")) << peer.received;
  EXPECT_TRUE(contains(peer.received, "connection: upgrade\r\n")) << peer.received;
  peer.received.clear();
  peer.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nfrom");
  client.settle();
  EXPECT_TRUE(startsWith(call.log(), "101 upgrade:websocket")) << call.log();
  EXPECT_TRUE(contains(call.log(), "data(from")) << call.log();
  call.sendData("to");
  client.settle();
  EXPECT_EQ(peer.received, "to");
  // Longer than any timeout of a route.
  world.upstream.simulation.runFor(absl::Seconds(60));
  client.settle();
  EXPECT_FALSE(call.ended());
  peer.connection().closeAfterFlush(absl::ZeroDuration());
  client.settle();
  EXPECT_TRUE(call.ended());
  EXPECT_EQ(world.log.back(), "101  GET /chat");
  EXPECT_FALSE(client.raw.ended);
}

TEST(H2Tunnel, CarriesAWebSocketOverHttp2ToTheUpstreamToo) {
  ProxyWorld world(allowWebSocket, toHttp2);
  H2Client client(world);
  http::h2::H2Options options;
  options.allow_connect = true;
  H2Server server(
      world, [](Call&) {}, options);
  client.get("/hello");
  settle(client, server);
  Call& call = client.open();
  http::Head& head = call.newRequest("GET", "/chat");
  head.upgrade = "websocket";
  call.send(head);
  settle(client, server);
  Call& answer = server.peers.at(0)->call(1);
  EXPECT_TRUE(startsWith(answer.log(), "GET http://h/chat upgrade:websocket")) << answer.log();
  http::Head& response = answer.newResponse(101);
  response.upgrade = "websocket";
  answer.send(response);
  answer.sendData("from");
  call.sendData("to");
  settle(client, server);
  EXPECT_TRUE(contains(call.log(), "data(from")) << call.log();
  EXPECT_TRUE(contains(answer.log(), "data(to")) << answer.log();
}

TEST(H2Tunnel, RefusesAnUpgradeThatIsNotAllowedOrNotAnswered) {
  ProxyWorld forbidden([](ProxyWorld::Setup& setup) { setup.config->h2.allow_connect = true; });
  H2Client one(forbidden);
  greet(one);
  EXPECT_TRUE(startsWith(askForWebSocket(one).log(), "403 "));

  ProxyWorld world(allowWebSocket);
  H2Client client(world);
  greet(client);
  Call& call = askForWebSocket(client);
  world.origin.peers.at(1)->write("HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\nno");
  client.settle();
  EXPECT_TRUE(startsWith(call.log(), "404 ")) << call.log();
  EXPECT_TRUE(contains(call.log(), "data(no)\nend\n")) << call.log();
}

// No rule of a route is about a request without a path.
TEST(H2Tunnel, AnswersConnectWithoutARoute) {
  ProxyWorld world([](ProxyWorld::Setup& setup) { setup.config->upgrades.emplace_back("connect", true); });
  H2Client client(world);
  Call& call = client.open();
  call.send(call.newRequest("CONNECT", "", "far:443"));
  client.settle();
  EXPECT_TRUE(startsWith(call.log(), "404 ")) << call.log();
  EXPECT_EQ(world.log.back(), "404 no_route CONNECT ");
}

}  // namespace
}  // namespace weir::proxy
