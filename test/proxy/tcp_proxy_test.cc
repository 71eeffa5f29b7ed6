#include "source/proxy/tcp_proxy.h"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "test/proxy/session_world.h"

namespace weir::proxy {
namespace {

using http::Reason;
using upstream::ClusterConfig;
using upstream::Origin;
using upstream::OriginPeer;

class TcpProxyTest : public testing::Test {
 protected:
  // Proxies to cluster "c" with the one origin.
  void start(TcpProxyConfig config = {}, const std::function<void(ClusterConfig&)>& change = {}) {
    startTo({origin_.address()}, std::move(config), change);
  }
  void startTo(const std::vector<net::Address>& addresses, TcpProxyConfig config,
               const std::function<void(ClusterConfig&)>& change = {}) {
    config.stat_prefix = "p";
    if (config.targets.empty()) config.targets.push_back({"c", 1});
    config.access_logs.push_back(std::make_unique<NotingLog>(notes_));
    world_.start(std::make_unique<TcpProxyFactory>(std::move(config), world_.world.registry),
                 {world_.world.makeCluster(addresses, change)});
  }
  OriginPeer& open() {
    OriginPeer& client = world_.connect();
    world_.settle();
    return client;
  }
  uint64_t counter(const std::string& name) { return world_.counter("tcp.p." + name); }

  std::vector<filter::StreamInfo> notes_;
  SessionWorld world_;
  Origin origin_{world_.world.origin_worker, "10.0.0.1"};
};

TEST_F(TcpProxyTest, CarriesBytesBothWays) {
  start();
  OriginPeer& client = open();
  client.write("ping");
  world_.settle();
  ASSERT_EQ(origin_.peers.size(), 1u);
  EXPECT_EQ(origin_.peers[0]->received, "ping");
  origin_.peers[0]->write("pong");
  world_.settle();
  EXPECT_EQ(client.received, "pong");
  EXPECT_EQ(counter("downstream_cx_total"), 1u);
  EXPECT_EQ(world_.clusters().connections(), 1u);
}

TEST_F(TcpProxyTest, TheServerMaySpeakFirstAndTheClientBeforeItIsConnected) {
  start();
  world_.world.wire.link(origin_.address()).latency = absl::Milliseconds(20);
  OriginPeer& client = world_.connect();
  client.write("early");
  world_.settle();
  EXPECT_EQ(origin_.peers[0]->received, "early");
  OriginPeer& second = open();
  origin_.peers[1]->write("220 hello");
  world_.settle();
  EXPECT_EQ(second.received, "220 hello");
}

TEST_F(TcpProxyTest, PassesTheEndOfEachDirectionByItself) {
  start();
  OriginPeer& client = open();
  client.write("request");
  client.connection().finishOutput();
  world_.settle();
  OriginPeer& peer = *origin_.peers[0];
  EXPECT_TRUE(peer.ended);
  EXPECT_EQ(peer.received, "request");
  EXPECT_FALSE(client.ended);
  peer.write("response");
  peer.connection().finishOutput();
  world_.settle();
  EXPECT_EQ(client.received, "response");
  EXPECT_EQ(client.closed, net::CloseReason::kRemote);
  EXPECT_EQ(peer.closed, net::CloseReason::kRemote);
  EXPECT_EQ(world_.clusters().connections(), 0u);
  EXPECT_EQ(world_.connections().size(), 0u);
  ASSERT_EQ(notes_.size(), 1u);
  EXPECT_EQ(notes_[0].bytes_received, 7u);
  EXPECT_EQ(notes_[0].bytes_sent, 8u);
  EXPECT_EQ(notes_[0].upstream_bytes_sent, 7u);
  EXPECT_EQ(notes_[0].upstream_bytes_received, 8u);
  EXPECT_EQ(notes_[0].upstream_cluster, "c");
  EXPECT_EQ(notes_[0].upstream_remote, origin_.address());
  EXPECT_EQ(notes_[0].reason, Reason::kNone);
  EXPECT_EQ(counter("downstream_cx_rx_bytes_total"), 7u);
  EXPECT_EQ(counter("downstream_cx_tx_bytes_total"), 8u);
  EXPECT_EQ(world_.world.counter("upstream_cx_rx_bytes_total"), 8u);
}

TEST_F(TcpProxyTest, TheServersEndFirstLeavesTheOtherWayOpen) {
  start();
  OriginPeer& client = open();
  origin_.peers[0]->write("bye");
  origin_.peers[0]->connection().finishOutput();
  world_.settle();
  EXPECT_TRUE(client.ended);
  client.write("still here");
  world_.settle();
  EXPECT_EQ(origin_.peers[0]->received, "still here");
  EXPECT_EQ(world_.connections().size(), 1u);
}

// A fast client and a server that does not read: what weir holds stays within its limits, and all arrives in the end.
TEST_F(TcpProxyTest, HoldsNoMoreThanItsLimitsForASlowReader) {
  start({}, [](ClusterConfig& config) { config.buffer_limit = 32 * 1024; });
  OriginPeer& client = open();
  OriginPeer& peer = *origin_.peers[0];
  peer.connection().pauseReading(true);
  std::string all(2'000'000, 'x');
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<char>('a' + i % 23);
  client.unsent = all;
  client.write("");
  client.connection().output().append(std::string_view(all).substr(0, 1000));
  client.unsent.erase(0, 1000);
  client.connection().flush();
  world_.settle();
  // Output, input and one read beyond it, in blocks of 16 KiB that may be partly filled.
  EXPECT_LE(world_.world.worker().blocks.inUse(), 12u);
  EXPECT_GT(client.unsent.size(), 1'500'000u);
  peer.connection().pauseReading(false);
  world_.world.simulation.runUntil([&] { return peer.received_bytes == all.size(); }, absl::Seconds(10));
  EXPECT_TRUE(peer.received == all);
  EXPECT_EQ(counter("downstream_cx_rx_bytes_total"), all.size());
}

TEST_F(TcpProxyTest, HoldsNoMoreThanItsLimitsForASlowClient) {
  start({}, [](ClusterConfig& config) { config.buffer_limit = 32 * 1024; });
  OriginPeer& client = open();
  client.connection().pauseReading(true);
  OriginPeer& peer = *origin_.peers[0];
  const std::string all(1'000'000, 'y');
  peer.write(all);
  world_.settle();
  EXPECT_LE(world_.world.worker().blocks.inUse(), 12u);
  EXPECT_GT(peer.connection().output().size(), 500'000u);
  client.connection().pauseReading(false);
  world_.world.simulation.runUntil([&] { return client.received_bytes == all.size(); }, absl::Seconds(10));
  EXPECT_EQ(client.received_bytes, all.size());
}

TEST_F(TcpProxyTest, NothingIsLostWhenTheClientLeavesBeforeASlowServerHasReadAll) {
  start();
  OriginPeer& client = open();
  OriginPeer& peer = *origin_.peers[0];
  peer.connection().finishOutput();  // this way is over first
  world_.settle();
  peer.connection().pauseReading(true);
  const std::string all(60'000, 'z');
  world_.world.wire.defaultLink().buffer_bytes = 4096;
  client.unsent = all;
  client.connection().output().append(all);
  client.unsent.clear();
  client.connection().flush();
  client.connection().finishOutput();
  world_.world.simulation.runFor(absl::Seconds(2));
  peer.connection().pauseReading(false);
  world_.world.simulation.runFor(absl::Seconds(2));
  EXPECT_EQ(peer.received_bytes, all.size());
  EXPECT_TRUE(peer.ended);
  EXPECT_EQ(world_.clusters().connections(), 0u);
  EXPECT_EQ(world_.connections().size(), 0u);
}

TEST_F(TcpProxyTest, AResetByTheServerResetsTheClient) {
  start();
  OriginPeer& client = open();
  origin_.peers[0]->connection().close(net::CloseReason::kLocalReset);
  world_.settle();
  EXPECT_EQ(client.closed, net::CloseReason::kRemoteReset);
  EXPECT_EQ(world_.clusters().connections(), 0u);
}

TEST_F(TcpProxyTest, AResetByTheClientResetsTheServer) {
  start();
  OriginPeer& client = open();
  client.connection().close(net::CloseReason::kLocalReset);
  world_.settle();
  EXPECT_EQ(origin_.peers[0]->closed, net::CloseReason::kRemoteReset);
  EXPECT_EQ(world_.clusters().connections(), 0u);
  EXPECT_EQ(notes_.size(), 1u);
}

TEST_F(TcpProxyTest, ADeadClusterClosesTheClientAfterTheAllowedAttempts) {
  TcpProxyConfig config;
  config.max_connect_attempts = 3;
  start(std::move(config));
  world_.world.wire.link(origin_.address()).refuse = true;
  OriginPeer& client = open();
  EXPECT_TRUE(client.closed.has_value() || client.ended);
  EXPECT_EQ(world_.world.counter("upstream_cx_connect_fail"), 3u);
  ASSERT_EQ(notes_.size(), 1u);
  EXPECT_EQ(notes_[0].reason, Reason::kConnectFailure);
  EXPECT_EQ(notes_[0].upstream_attempts, 3u);
}

TEST_F(TcpProxyTest, AnotherAttemptGoesToAnotherHost) {
  Origin dead(world_.world.origin_worker, "10.0.0.2");
  world_.world.wire.link(dead.address()).refuse = true;
  TcpProxyConfig config;
  config.max_connect_attempts = 2;
  startTo({dead.address(), origin_.address()}, std::move(config));
  for (int i = 0; i < 4; ++i) open();
  EXPECT_EQ(origin_.peers.size(), 4u);
}

TEST_F(TcpProxyTest, AConnectThatTakesTooLongIsGivenUp) {
  start();
  world_.world.wire.link(origin_.address()).black_hole = true;
  open();
  world_.world.simulation.runFor(absl::Seconds(6));
  ASSERT_EQ(notes_.size(), 1u);
  EXPECT_EQ(notes_[0].reason, Reason::kConnectTimeout);
  EXPECT_EQ(world_.clusters().connections(), 0u);
}

TEST_F(TcpProxyTest, AClientThatLeavesWhileConnectingCancels) {
  start();
  world_.world.wire.link(origin_.address()).black_hole = true;
  OriginPeer& client = open();
  client.connection().close(net::CloseReason::kLocalReset);
  world_.settle();
  EXPECT_EQ(world_.clusters().connections(), 0u);
  EXPECT_EQ(world_.connections().size(), 0u);
}

TEST_F(TcpProxyTest, TheConnectionLimitOfTheClusterHolds) {
  start({}, [](ClusterConfig& config) { config.thresholds[0].max_connections = 2; });
  for (int i = 0; i < 3; ++i) open();
  EXPECT_EQ(origin_.peers.size(), 2u);
  ASSERT_EQ(notes_.size(), 1u);
  EXPECT_EQ(notes_[0].reason, Reason::kUpstreamOverflow);
  world_.clients[0]->connection().close(net::CloseReason::kLocalReset);
  world_.settle();
  open();
  EXPECT_EQ(origin_.peers.size(), 3u);
}

TEST_F(TcpProxyTest, AnUnknownClusterIsCounted) {
  TcpProxyConfig config;
  config.targets.push_back({"nobody", 1});
  start(std::move(config));
  open();
  EXPECT_EQ(counter("downstream_cx_no_route"), 1u);
  EXPECT_EQ(notes_[0].reason, Reason::kNoCluster);
}

TEST_F(TcpProxyTest, ClosesAConnectionOnWhichNothingMoves) {
  TcpProxyConfig config;
  config.idle_timeout = absl::Seconds(10);
  start(std::move(config));
  OriginPeer& client = open();
  for (int i = 0; i < 3; ++i) {
    world_.world.simulation.runFor(absl::Seconds(8));
    (i % 2 == 0 ? client : *origin_.peers[0]).write("x");
  }
  world_.world.simulation.runFor(absl::Seconds(8));
  EXPECT_EQ(world_.connections().size(), 1u);
  world_.world.simulation.runFor(absl::Seconds(3));
  EXPECT_EQ(world_.connections().size(), 0u);
  EXPECT_EQ(counter("idle_timeout"), 1u);
  EXPECT_EQ(world_.clusters().connections(), 0u);
}

TEST_F(TcpProxyTest, ClosesAConnectionAtItsMaximumAge) {
  TcpProxyConfig config;
  config.max_connection_duration = absl::Seconds(5);
  start(std::move(config));
  OriginPeer& client = open();
  for (int i = 0; i < 6; ++i) {
    if (!client.closed && !client.ended) client.write("x");
    world_.world.simulation.runFor(absl::Seconds(1));
  }
  EXPECT_EQ(counter("max_downstream_connection_duration"), 1u);
  EXPECT_EQ(world_.connections().size(), 0u);
}

TEST_F(TcpProxyTest, DrainingEndsOnlyWhatIsNotConnectedYet) {
  start();
  open();
  world_.world.wire.link(origin_.address()).black_hole = true;
  open();
  world_.connections().drain();
  world_.settle();
  EXPECT_EQ(world_.connections().size(), 1u);
  ASSERT_EQ(notes_.size(), 1u);
  EXPECT_EQ(notes_[0].reason, Reason::kDraining);
}

TEST_F(TcpProxyTest, SharesConnectionsByWeight) {
  TcpProxyConfig config;
  config.targets = {{"c", 3}, {"nobody", 1}};
  config.total_weight = 4;
  start(std::move(config));
  for (int i = 0; i < 400; ++i) open().connection().close(net::CloseReason::kLocalReset);
  world_.settle();
  // 400 draws of 3/4: a standard deviation is 8.7, and the seed is fixed.
  EXPECT_NEAR(static_cast<double>(origin_.peers.size()), 300.0, 35.0);
  EXPECT_EQ(origin_.peers.size() + counter("downstream_cx_no_route"), 400u);
}

}  // namespace
}  // namespace weir::proxy
