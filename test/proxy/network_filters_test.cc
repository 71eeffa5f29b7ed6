// Network filters in front of a terminal session, on connections of a simulated network.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "source/proxy/tcp_proxy.h"
#include "test/proxy/session_world.h"

namespace weir::proxy {
namespace {

using filter::NetworkVerdict;

// What the filters of a test do, and the last one made.
struct Script {
  NetworkVerdict open = NetworkVerdict::kNext;
  NetworkVerdict read = NetworkVerdict::kNext;
  filter::NetworkHost* last = nullptr;
  std::string seen;
  int closed = 0;
};

class ScriptedFilter final : public filter::NetworkFilter {
 public:
  explicit ScriptedFilter(Script& script) : script_(script) {}
  NetworkVerdict onOpen() override {
    script_.last = &host();
    return script_.open;
  }
  NetworkVerdict onRead(buffer::Buffer& bytes, bool end) override {
    script_.seen += bytes.toString() + (end ? "|" : "");
    return script_.read;
  }
  void onClose(net::CloseReason) override { ++script_.closed; }

 private:
  Script& script_;
};

class ScriptedFactory final : public filter::NetworkFilterFactory {
 public:
  explicit ScriptedFactory(Script& script) : script_(script) {}
  std::unique_ptr<filter::NetworkFilter> create(const net::WorkerContext&) const override {
    return std::make_unique<ScriptedFilter>(script_);
  }

 private:
  Script& script_;
};

class NetworkFiltersTest : public testing::Test {
 protected:
  NetworkFiltersTest() {
    std::vector<std::unique_ptr<const filter::NetworkFilterFactory>> filters;
    filters.push_back(std::make_unique<ScriptedFactory>(first_));
    filters.push_back(std::make_unique<ScriptedFactory>(second_));
    TcpProxyConfig config;
    config.stat_prefix = "p";
    config.targets.push_back({"c", 1});
    world_.start(std::make_unique<TcpProxyFactory>(std::move(config), world_.world.registry),
                 {world_.world.makeCluster({origin_.address()})}, std::move(filters));
  }
  upstream::OriginPeer& open() {
    upstream::OriginPeer& client = world_.connect();
    world_.settle();
    return client;
  }

  Script first_;
  Script second_;
  SessionWorld world_;
  upstream::Origin origin_{world_.world.origin_worker, "10.0.0.1"};
};

TEST_F(NetworkFiltersTest, BytesPassAllOfThemAndTheEndsStayApart) {
  upstream::OriginPeer& client = open();
  client.write("ping");
  world_.settle();
  ASSERT_EQ(origin_.peers.size(), 1u);
  EXPECT_EQ(origin_.peers[0]->received, "ping");
  client.connection().finishOutput();
  world_.settle();
  EXPECT_TRUE(origin_.peers[0]->ended);
  // The other half goes on.
  origin_.peers[0]->write("late answer");
  world_.settle();
  EXPECT_EQ(client.received, "late answer");
  EXPECT_FALSE(client.closed);
  origin_.peers[0]->connection().finishOutput();
  world_.settle();
  EXPECT_TRUE(client.ended);
  EXPECT_EQ(first_.seen, "ping|");
  EXPECT_EQ(second_.seen, "ping|");
  EXPECT_EQ(first_.closed, 1);
  EXPECT_EQ(second_.closed, 1);
  EXPECT_EQ(world_.connections().size(), 0u);
}

TEST_F(NetworkFiltersTest, NoUpstreamIsReachedBeforeTheConnectionIsLetIn) {
  second_.open = NetworkVerdict::kWait;
  upstream::OriginPeer& client = open();
  client.write("early");
  client.connection().finishOutput();
  world_.settle();
  EXPECT_TRUE(origin_.peers.empty());
  EXPECT_EQ(world_.counter("tcp.p.downstream_cx_total"), 0u);
  second_.last->resume(NetworkVerdict::kNext);
  world_.settle();
  ASSERT_EQ(origin_.peers.size(), 1u);
  EXPECT_EQ(origin_.peers[0]->received, "early");
  EXPECT_TRUE(origin_.peers[0]->ended);
}

TEST_F(NetworkFiltersTest, AConnectionThatIsRefusedIsClosedAndForgotten) {
  first_.open = NetworkVerdict::kClose;
  upstream::OriginPeer& client = open();
  EXPECT_TRUE(client.closed.has_value());
  EXPECT_TRUE(origin_.peers.empty());
  EXPECT_EQ(first_.closed, 1);
  EXPECT_EQ(world_.connections().size(), 0u);
  EXPECT_EQ(world_.counter("listener.test.downstream_cx_destroy"), 1u);
}

TEST_F(NetworkFiltersTest, TheEndIsHeldWithTheBytesBeforeIt) {
  upstream::OriginPeer& client = open();
  first_.read = NetworkVerdict::kWait;
  client.write("last words");
  client.connection().finishOutput();
  world_.settle();
  // The upstream writes meanwhile, which makes the proxy look at both sides.
  origin_.peers.at(0)->write("x");
  world_.settle();
  EXPECT_FALSE(origin_.peers[0]->ended);
  first_.read = NetworkVerdict::kNext;
  first_.last->resume(NetworkVerdict::kNext);
  world_.settle();
  EXPECT_EQ(origin_.peers[0]->received, "last words");
  EXPECT_TRUE(origin_.peers[0]->ended);
}

TEST_F(NetworkFiltersTest, AFilterThatWaitsStopsTheClient) {
  upstream::OriginPeer& client = open();
  first_.read = NetworkVerdict::kWait;
  client.write(std::string(4 * 1024 * 1024, 'x'));
  world_.settle();
  EXPECT_LT(client.connection().bytesWritten(), 2u * 1024 * 1024);
  EXPECT_LT(first_.seen.size(), 512u * 1024);
  first_.read = NetworkVerdict::kNext;
  first_.last->resume(NetworkVerdict::kNext);
  world_.settle();
  EXPECT_EQ(origin_.peers.at(0)->received.size(), 4u * 1024 * 1024);
}

TEST_F(NetworkFiltersTest, AnUpstreamThatDoesNotReadStopsTheClientThroughTheFilters) {
  upstream::OriginPeer& client = open();
  origin_.peers.at(0)->connection().pauseReading(true);
  client.write(std::string(4 * 1024 * 1024, 'x'));
  world_.settle();
  EXPECT_LT(client.connection().bytesWritten(), 2u * 1024 * 1024);
  EXPECT_LT(second_.seen.size(), 2u * 1024 * 1024);
  origin_.peers[0]->connection().pauseReading(false);
  world_.settle();
  EXPECT_EQ(origin_.peers[0]->received.size(), 4u * 1024 * 1024);
  EXPECT_EQ(second_.seen.size(), 4u * 1024 * 1024);
}

TEST_F(NetworkFiltersTest, DrainingDropsWhatWasNotLetIn) {
  first_.open = NetworkVerdict::kWait;
  upstream::OriginPeer& client = open();
  world_.connections().drain();
  world_.settle();
  EXPECT_TRUE(client.closed.has_value());
  EXPECT_EQ(world_.connections().size(), 0u);
}

}  // namespace
}  // namespace weir::proxy
