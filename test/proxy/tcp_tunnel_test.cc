// Bytes of a TCP connection in a tunnel through an HTTP proxy; over HTTP/2 see test/integration/tcp_test.py.
#include "source/proxy/tcp_tunnel.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "source/proxy/tcp_proxy.h"
#include "test/proxy/session_world.h"

namespace weir::proxy {
namespace {

using http::Reason;
using upstream::Origin;
using upstream::OriginPeer;

constexpr char kAsked[] = "CONNECT far.example:22 HTTP/1.1\r\nhost: far.example:22\r\n";
constexpr char kAgreed[] = "HTTP/1.1 200 OK\r\n\r\n";

std::unique_ptr<const filter::SubstitutionFormat> format(std::string_view text) {
  return *filter::SubstitutionFormat::parse(text, true);
}

class TcpTunnelTest : public testing::Test {
 protected:
  void start(bool post = false, uint32_t attempts = 1) {
    auto tunnel = std::make_unique<TcpTunnelRequest>();
    tunnel->hostname = format("far.example:22");
    tunnel->post = post;
    tunnel->post_path = "/in";
    HeaderEdit& edit = tunnel->headers.add.emplace_back();
    edit.name = "x-client";
    edit.value = std::shared_ptr<const filter::SubstitutionFormat>(format("%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"));
    TcpProxyConfig config;
    config.stat_prefix = "p";
    config.targets.push_back({"c", 1});
    config.max_connect_attempts = attempts;
    config.tunnel = std::move(tunnel);
    config.access_logs.push_back(std::make_unique<NotingLog>(notes_));
    world_.start(std::make_unique<TcpProxyFactory>(std::move(config), world_.world.registry),
                 {world_.world.makeCluster(
                     {origin_.address()}, [](upstream::ClusterConfig& cluster) { cluster.buffer_limit = 32 * 1024; })});
  }
  OriginPeer& open() {
    OriginPeer& client = world_.connect();
    world_.settle();
    return client;
  }
  // Takes the head that a peer was sent.
  static std::string head(OriginPeer& peer) {
    const size_t end = peer.received.find("\r\n\r\n");
    if (end == std::string::npos) return "";
    std::string head = peer.received.substr(0, end + 2);
    peer.received.erase(0, end + 4);
    return head;
  }

  std::vector<filter::StreamInfo> notes_;
  SessionWorld world_;
  Origin origin_{world_.world.origin_worker, "10.0.0.1"};
};

TEST_F(TcpTunnelTest, BytesWaitUntilTheProxyHasAgreed) {
  start();
  OriginPeer& client = open();
  client.write("early");
  world_.settle();
  ASSERT_EQ(origin_.peers.size(), 1u);
  OriginPeer& peer = *origin_.peers[0];
  const std::string asked = head(peer);
  EXPECT_EQ(asked.substr(0, sizeof(kAsked) - 1), kAsked);
  EXPECT_NE(asked.find("x-client: "), std::string::npos);
  EXPECT_EQ(peer.received, "");
  peer.write(std::string(kAgreed) + "220 hello");
  world_.settle();
  EXPECT_EQ(client.received, "220 hello");
  EXPECT_EQ(peer.received, "early");
  client.write(" and late");
  world_.settle();
  EXPECT_EQ(peer.received, "early and late");
  EXPECT_EQ(world_.world.counter("upstream_rq_total"), 1u);
}

TEST_F(TcpTunnelTest, PassesTheEndOfEachDirectionByItself) {
  start();
  OriginPeer& client = open();
  OriginPeer& peer = *origin_.peers[0];
  head(peer);
  peer.write(kAgreed);
  client.write("request");
  client.connection().finishOutput();
  world_.settle();
  EXPECT_TRUE(peer.ended);
  EXPECT_EQ(peer.received, "request");
  EXPECT_FALSE(client.ended);
  peer.write("response");
  peer.connection().finishOutput();
  world_.settle();
  EXPECT_EQ(client.received, "response");
  EXPECT_EQ(client.closed, net::CloseReason::kRemote);
  EXPECT_EQ(world_.connections().size(), 0u);
  EXPECT_EQ(world_.clusters().connections(), 0u);
  ASSERT_EQ(notes_.size(), 1u);
  EXPECT_EQ(notes_[0].bytes_received, 7u);
  EXPECT_EQ(notes_[0].bytes_sent, 8u);
  EXPECT_EQ(notes_[0].upstream_bytes_sent, 7u);
  EXPECT_EQ(notes_[0].upstream_bytes_received, 8u);
  EXPECT_EQ(notes_[0].reason, Reason::kNone);
  EXPECT_EQ(world_.counter("tcp.p.downstream_cx_rx_bytes_total"), 7u);
  EXPECT_EQ(world_.counter("tcp.p.downstream_cx_tx_bytes_total"), 8u);
}

TEST_F(TcpTunnelTest, WhatIsRefusedIsTriedAgainAsOftenAsItMayBe) {
  start(false, 3);
  origin_.on_accept = [](OriginPeer& peer) {
    peer.on_input = [](OriginPeer& from) {
      if (!head(from).empty()) from.write("HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno");
    };
  };
  OriginPeer& client = open();
  EXPECT_TRUE(client.ended || client.closed);
  EXPECT_EQ(client.received, "");
  ASSERT_EQ(notes_.size(), 1u);
  EXPECT_EQ(notes_[0].reason, Reason::kConnectFailure);
  EXPECT_EQ(notes_[0].upstream_attempts, 3u);
  EXPECT_EQ(world_.world.counter("upstream_rq_total"), 3u);
  EXPECT_EQ(world_.world.counter("upstream_rq_4xx"), 3u);
}

TEST_F(TcpTunnelTest, APostHasABodyWithoutLengthBothWays) {
  start(true);
  OriginPeer& client = open();
  OriginPeer& peer = *origin_.peers[0];
  const std::string asked = head(peer);
  EXPECT_EQ(asked.substr(0, 19), "POST /in HTTP/1.1\r\n");
  EXPECT_NE(asked.find("transfer-encoding: chunked\r\n"), std::string::npos) << asked;
  client.write("abc");
  world_.settle();
  EXPECT_EQ(peer.received, "");
  peer.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nde\r\n");
  world_.settle();
  EXPECT_EQ(client.received, "de");
  EXPECT_EQ(peer.received, "3\r\nabc\r\n");
  client.connection().finishOutput();
  peer.write("0\r\n\r\n");
  world_.settle();
  EXPECT_EQ(peer.received, "3\r\nabc\r\n0\r\n\r\n");
  EXPECT_EQ(client.closed, net::CloseReason::kRemote);
}

TEST_F(TcpTunnelTest, ABrokenTunnelResetsItsClientAndTheOtherWayRound) {
  start();
  OriginPeer& client = open();
  head(*origin_.peers[0]);
  origin_.peers[0]->write(kAgreed);
  world_.settle();
  origin_.peers[0]->connection().close(net::CloseReason::kLocalReset);
  world_.settle();
  EXPECT_EQ(client.closed, net::CloseReason::kRemoteReset);
  OriginPeer& second = open();
  head(*origin_.peers[1]);
  origin_.peers[1]->write(kAgreed);
  world_.settle();
  second.connection().close(net::CloseReason::kLocalReset);
  world_.settle();
  EXPECT_TRUE(origin_.peers[1]->ended || origin_.peers[1]->closed);
  EXPECT_EQ(world_.clusters().connections(), 0u);
  ASSERT_EQ(notes_.size(), 2u);
  EXPECT_EQ(notes_[0].reason, Reason::kUpstreamReset);
}

TEST_F(TcpTunnelTest, AClientThatLeavesEarlyTakesItsRequestWithIt) {
  start();
  OriginPeer& client = open();
  client.connection().close(net::CloseReason::kLocalReset);
  world_.settle();
  EXPECT_EQ(world_.connections().size(), 0u);
  EXPECT_EQ(world_.clusters().connections(), 0u);
  EXPECT_TRUE(origin_.peers[0]->ended || origin_.peers[0]->closed);
}

// A fast server and a client that does not read: what weir holds stays within its limits, and all arrives in the end.
TEST_F(TcpTunnelTest, HoldsNoMoreThanItsLimitsForASlowReader) {
  start();
  OriginPeer& client = open();
  head(*origin_.peers[0]);
  client.connection().pauseReading(true);
  client.keep_bytes = false;
  origin_.peers[0]->write(kAgreed + std::string(8 << 20, 'x'));
  world_.settle();
  EXPECT_GT(origin_.peers[0]->connection().output().size(), size_t{7} << 20);
  EXPECT_LE(world_.world.worker().blocks.inUse(), 16u);
  client.connection().pauseReading(false);
  world_.settle();
  EXPECT_EQ(client.received_bytes, size_t{8} << 20);
}

}  // namespace
}  // namespace weir::proxy
