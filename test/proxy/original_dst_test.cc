// Requests and connections to a cluster of type ORIGINAL_DST go where the connection was going, or where a header says.

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "source/proxy/tcp_proxy.h"
#include "source/upstream/cluster_hosts.h"
#include "source/upstream/demand.h"
#include "source/upstream/discovery/demanded_hosts.h"
#include "test/proxy/proxy_world.h"
#include "test/proxy/session_world.h"

namespace weir::proxy {
namespace {

using upstream::ClusterConfig;
using upstream::Demand;
using upstream::DemandConfig;
using upstream::Origin;
using upstream::OriginPeer;
using upstream::UpstreamWorld;
using upstream::WorkerCluster;

std::shared_ptr<Demand> demandOf(std::string header) {
  DemandConfig config;
  config.kind = DemandConfig::Kind::kAddresses;
  config.header = std::move(header);
  return std::make_shared<Demand>(std::move(config));
}

// The main thread of a world whose cluster is to get its hosts.
class Main {
 public:
  Main(UpstreamWorld& world, std::shared_ptr<Demand> demand, WorkerCluster& cluster,
       std::shared_ptr<const upstream::Cluster> snapshot)
      : dispatcher_(world.simulation.addDispatcher()),
        hosts_(std::move(snapshot), dispatcher_,
               [&world, &cluster](const std::shared_ptr<const upstream::HostSet>& set) {
                 world.worker().dispatcher.post([&cluster, set] { cluster.setHosts(set); });
               }),
        source_(std::move(demand), "c",
                {dispatcher_, world.simulation.random(), world.registry, world.registry.makeShard(), nullptr, hosts_}) {
  }

 private:
  event::Dispatcher& dispatcher_;
  upstream::ClusterHosts hosts_;
  upstream::discovery::DemandedHosts source_;
};

class OriginalDstTcpTest : public testing::Test {
 protected:
  ~OriginalDstTcpTest() override { main_.reset(); }
  void start() {
    const std::shared_ptr<Demand> demand = demandOf("");
    const auto cluster = world_.world.makeCluster({}, [&demand](ClusterConfig& made) { made.demand = demand; });
    TcpProxyConfig config;
    config.stat_prefix = "p";
    config.targets.push_back({"c", 1});
    world_.start(std::make_unique<TcpProxyFactory>(std::move(config), world_.world.registry), {cluster});
    main_.emplace(world_.world, demand, world_.clusters().at(0), cluster);
  }

  SessionWorld world_;
  Origin first_{world_.world.origin_worker, "10.0.0.1"};
  Origin second_{world_.world.origin_worker, "10.0.0.3"};
  std::optional<Main> main_;
};

TEST_F(OriginalDstTcpTest, AConnectionGoesWhereItWasGoing) {
  start();
  for (Origin* origin : {&first_, &second_, &first_}) {
    world_.restored = origin->address();
    OriginPeer& client = world_.connect();
    client.write("ping");
    world_.settle();
    ASSERT_FALSE(origin->peers.empty());
    EXPECT_EQ(origin->peers.back()->received, "ping");
    origin->peers.back()->write("pong");
    world_.settle();
    EXPECT_EQ(client.received, "pong");
  }
  EXPECT_EQ(first_.peers.size(), 2u);
  EXPECT_EQ(second_.peers.size(), 1u);
}

TEST_F(OriginalDstTcpTest, AConnectionThatWasNotRedirectedGoesNowhere) {
  start();
  OriginPeer& client = world_.connect();
  client.write("ping");
  world_.settle();
  EXPECT_TRUE(client.ended || client.closed.has_value());
  EXPECT_TRUE(first_.peers.empty());
}

class OriginalDstHttpTest : public testing::Test {
 protected:
  OriginalDstHttpTest() {
    world_.origin.answerAll();
    const auto& cluster = world_.clusters->at(0).cluster();
    main_.emplace(world_.upstream, demand_, world_.clusters->at(0),
                  std::shared_ptr<const upstream::Cluster>(std::shared_ptr<void>(), &cluster));
  }
  ~OriginalDstHttpTest() override { main_.reset(); }

  std::string get(const std::string& fields) {
    return world_.ask(world_.client(), "GET /a HTTP/1.1\r\nhost: h\r\n" + fields + "\r\n").substr(0, 12);
  }

  const std::shared_ptr<Demand> demand_ = demandOf("x-to");
  ProxyWorld world_{{}, [this](ClusterConfig& made) {
                      made.demand = demand_;
                      made.hosts.clear();
                    }};
  std::optional<Main> main_;
};

TEST_F(OriginalDstHttpTest, ARequestGoesWhereItsHeaderSays) {
  const std::string to = "x-to: " + world_.origin.address().text() + "\r\n";
  EXPECT_EQ(get(to), "HTTP/1.1 200");
  EXPECT_EQ(get(to), "HTTP/1.1 200");
  EXPECT_EQ(world_.origin.peers.size(), 1u);
  EXPECT_EQ(world_.counter("cluster.c.original_dst_host_invalid"), 0u);
}

TEST_F(OriginalDstHttpTest, WithoutAnAddressThereIsNoHost) {
  EXPECT_EQ(get(""), "HTTP/1.1 503");
  EXPECT_EQ(world_.counter("cluster.c.original_dst_host_invalid"), 0u);
  uint64_t invalid = 0;
  for (const char* value :
       {"nobody", "origin:80", "10.0.0.1", "10.0.0.1:0", ":80", "[::]:80", "unix:/tmp/socket", ""}) {
    EXPECT_EQ(get(std::string("x-to: ") + value + "\r\n"), "HTTP/1.1 503") << value;
    EXPECT_EQ(world_.counter("cluster.c.original_dst_host_invalid"), ++invalid) << value;
  }
  EXPECT_TRUE(world_.origin.peers.empty());
}

}  // namespace
}  // namespace weir::proxy
