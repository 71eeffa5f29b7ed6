// PROXY headers on the way to an upstream: what is written, and that no client's connection is given to another.
#include "source/extensions/transport_sockets/proxy_protocol/proxy_protocol_transport.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "source/extensions/listener_filters/proxy_protocol/proxy_header.h"
#include "test/upstream/upstream_world.h"

namespace weir::extensions {
namespace {

using net::Address;
using net::ClientAddresses;
using net::ProxyHeaderOptions;
using proxy_protocol::parseProxyHeader;
using proxy_protocol::ProxyHeader;
using upstream::Asker;
using upstream::ClusterConfig;
using upstream::PickContext;
using Version = ProxyHeaderOptions::Version;

ClientAddresses client(std::string_view remote, std::string_view local = "192.0.2.9:443") {
  return {*Address::parse(remote), *Address::parse(local)};
}

// As a socket would have it: an IPv4 address in the form of an IPv6 one is that IPv4 address.
std::string plain(const Address& address) {
  sockaddr_storage storage;
  const socklen_t length = address.toSockaddr(storage);
  return Address::fromSockaddr(reinterpret_cast<const sockaddr*>(&storage), length).text();
}

TEST(ProxyHeaderTest, WhatIsWrittenIsRead) {
  std::string tlvs;
  net::addTlv(0xe0, "value", tlvs);
  struct Case {
    ClientAddresses from;
    std::string source;
    std::string destination;
  };
  const Case cases[] = {
      {client("198.51.100.7:1234"), "198.51.100.7:1234", "192.0.2.9:443"},
      {client("[2001:db8::1]:65535", "[::1]:1"), "[2001:db8::1]:65535", "[::1]:1"},
      {client("[2001:db8::1]:5", "192.0.2.9:443"), "[2001:db8::1]:5", "192.0.2.9:443"},
      {client("192.0.2.9:443", "[2001:db8::1]:5"), "192.0.2.9:443", "[2001:db8::1]:5"},
  };
  for (const Case& one : cases) {
    for (const ProxyHeaderOptions& options : {ProxyHeaderOptions{Version::kV1}, {Version::kV2}, {Version::kV2, tlvs}}) {
      const std::string written = net::proxyHeader(options, &one.from);
      const ProxyHeader read = parseProxyHeader(written + "rest");
      ASSERT_EQ(read.state, ProxyHeader::State::kComplete) << one.source;
      EXPECT_EQ(read.version, options.version == Version::kV1 ? 1 : 2);
      EXPECT_EQ(read.bytes, written.size());
      EXPECT_EQ(plain(read.source), one.source);
      EXPECT_EQ(plain(read.destination), one.destination);
    }
  }
  EXPECT_EQ(net::proxyHeader({Version::kV1}, &cases[2].from), "PROXY TCP6 2001:db8::1 ::ffff:192.0.2.9 5 443\r\n");
  EXPECT_TRUE(net::proxyHeader({Version::kV2, tlvs}, &cases[0].from).ends_with(tlvs));
  EXPECT_EQ(tlvs, std::string("\xe0\0\5value", 8));
}

TEST(ProxyHeaderTest, WhatTheClientSaidGoesOnAsFarAsItIsAskedFor) {
  std::string said, added, own, rest;
  net::addTlv(0xe1, "one", said);
  net::addTlv(0xe0, "client", said);
  net::addTlv(0xe1, "", said);
  net::addTlv(0xe0, "proxy", added);
  net::addTlv(0xe1, "one", rest);
  net::addTlv(0xe1, "", rest);
  ClientAddresses from = client("198.51.100.7:1234");
  const auto told = [&](const net::TlvTypes& passed) {
    const std::string header = net::proxyHeader({Version::kV2, added, passed}, &from);
    return header.substr(28);
  };
  from.tlvs = said;
  EXPECT_EQ(told({}), added);
  EXPECT_EQ(told(net::TlvTypes().set()), rest + added);  // what is added holds
  EXPECT_EQ(told(net::TlvTypes().set(0xe0)), added);
  EXPECT_EQ(net::tlvsOf(said, net::TlvTypes().set(0xe1)), rest);
  EXPECT_EQ(net::tlvsOf(said.substr(1), net::TlvTypes().set()), std::nullopt);
  EXPECT_EQ(net::tlvsOf(said.substr(0, said.size() - 1), net::TlvTypes()), std::nullopt);
  // As much as there is room for, which the length of the header says.
  net::addTlv(0xe2, std::string(net::kMaxTlvBytes - rest.size() - added.size() - 3 - own.size(), 'x'), own);
  from.tlvs = rest + own;
  EXPECT_EQ(told(net::TlvTypes().set()).size(), net::kMaxTlvBytes);
  net::addTlv(0xe3, "", from.tlvs);
  EXPECT_EQ(told(net::TlvTypes().set()).size(), net::kMaxTlvBytes);
}

TEST(ProxyHeaderTest, AConnectionOfItsOwnIsLocal) {
  EXPECT_EQ(net::proxyHeader({Version::kV1}, nullptr), "PROXY UNKNOWN\r\n");
  EXPECT_EQ(net::proxyHeader({Version::kV2, "abc"}, nullptr), std::string("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16));
}

TEST(ProxyHeaderTest, AClientWithoutAnIpAddressIsUnspecified) {
  const ClientAddresses local = client("unix:/run/a", "unix:/run/b");
  EXPECT_EQ(net::proxyHeader({Version::kV1}, &local), "PROXY UNKNOWN\r\n");
  EXPECT_EQ(net::proxyHeader({Version::kV2, "abc"}, &local), std::string("\r\n\r\n\0\r\nQUIT\n\x21\0\0\3abc", 19));
}

class ProxyProtocolTransportTest : public testing::Test {
 protected:
  void start(Version version = Version::kV1, const std::function<void(ClusterConfig&)>& change = {}) {
    const auto told = [&](ClusterConfig& config) {
      config.transport = std::make_shared<const ProxyProtocolTransport>(ProxyHeaderOptions{version}, nullptr);
      config.tells_client = true;
      if (change) change(config);
    };
    cluster_ = std::make_unique<upstream::WorkerCluster>(world_.makeCluster({origin_.address()}, told),
                                                         world_.worker().context, world_.memory);
  }
  ~ProxyProtocolTransportTest() override { askers_.clear(); }
  Asker& ask(const ClientAddresses* from) {
    PickContext pick;
    pick.client = from;
    askers_.push_back(std::make_unique<Asker>(world_.worker()));
    askers_.back()->ask(*cluster_, pick);
    world_.settle();
    return *askers_.back();
  }
  // Answers every request, and keeps the first line of each connection.
  void answerAll() {
    origin_.on_accept = [this](upstream::OriginPeer& peer) {
      peer.on_input = [this](upstream::OriginPeer& from) {
        std::string& line = lines_[&from];
        if (line.empty()) line = from.received.substr(0, from.received.find("\r\n"));
        if (!from.received.ends_with("\r\n\r\n")) return;
        from.received.clear();
        from.write(upstream::kOk);
      };
    };
  }
  std::string lineOf(size_t peer) { return lines_[origin_.peers[peer].get()]; }

  upstream::UpstreamWorld world_;
  upstream::Origin origin_{world_.origin_worker, "10.0.0.1"};
  std::unique_ptr<upstream::WorkerCluster> cluster_;
  std::vector<std::unique_ptr<Asker>> askers_;
  std::map<const upstream::OriginPeer*, std::string> lines_;
  const ClientAddresses one_ = client("198.51.100.7:1000");
  const ClientAddresses other_ = client("198.51.100.7:1001");
};

TEST_F(ProxyProtocolTransportTest, EachClientHasConnectionsOfItsOwn) {
  start();
  answerAll();
  EXPECT_EQ(ask(&one_).answers, 1);
  EXPECT_EQ(ask(&other_).answers, 1);
  Asker& again = ask(&one_);
  EXPECT_EQ(again.answers, 1);
  EXPECT_TRUE(again.reused);
  const ClientAddresses elsewhere = client("198.51.100.7:1000", "192.0.2.10:443");
  EXPECT_FALSE(ask(&elsewhere).reused);
  ASSERT_EQ(origin_.peers.size(), 3u);
  EXPECT_EQ(lineOf(0), "PROXY TCP4 198.51.100.7 192.0.2.9 1000 443");
  EXPECT_EQ(lineOf(1), "PROXY TCP4 198.51.100.7 192.0.2.9 1001 443");
  EXPECT_EQ(lineOf(2), "PROXY TCP4 198.51.100.7 192.0.2.10 1000 443");
}

TEST_F(ProxyProtocolTransportTest, WhatWeirAsksForItselfIsLocal) {
  start(Version::kV2);
  ask(nullptr);
  ASSERT_EQ(origin_.peers.size(), 1u);
  const ProxyHeader read = parseProxyHeader(origin_.peers[0]->received);
  EXPECT_EQ(read.state, ProxyHeader::State::kComplete);
  EXPECT_FALSE(read.source.isIp());
  EXPECT_TRUE(origin_.peers[0]->received.substr(read.bytes).starts_with("GET "));
}

TEST_F(ProxyProtocolTransportTest, AnIdleConnectionOfAnotherClientMakesRoom) {
  start(Version::kV1, [](ClusterConfig& config) { config.thresholds[0].max_connections = 1; });
  answerAll();
  EXPECT_EQ(ask(&one_).answers, 1);
  EXPECT_EQ(ask(&other_).answers, 1);
  EXPECT_EQ(origin_.open(), 1u);
  EXPECT_EQ(lineOf(1), "PROXY TCP4 198.51.100.7 192.0.2.9 1001 443");
}

TEST_F(ProxyProtocolTransportTest, AnUnusedPoolOfAnotherClientMakesRoom) {
  start(Version::kV1, [](ClusterConfig& config) { config.thresholds[0].max_connection_pools = 1; });
  answerAll();
  EXPECT_EQ(ask(&one_).answers, 1);
  EXPECT_EQ(ask(&other_).answers, 1);
  EXPECT_EQ(origin_.peers.size(), 2u);
}

TEST_F(ProxyProtocolTransportTest, ConnectionsAreOpenedAheadForTheClientAlone) {
  start(Version::kV1, [](ClusterConfig& config) {
    config.predictive_preconnect_ratio = 3;
    config.preconnect_ratio = 2;
  });
  answerAll();
  EXPECT_EQ(ask(&one_).answers, 1);
  ASSERT_EQ(origin_.peers.size(), 2u);
  EXPECT_EQ(lineOf(0), lineOf(1));
}

TEST_F(ProxyProtocolTransportTest, PoolsOfClientsThatHaveLeftAreForgotten) {
  start(Version::kV1, [](ClusterConfig& config) { config.idle_timeout = absl::Seconds(1); });
  answerAll();
  for (int i = 0; i < 300; ++i) {
    const ClientAddresses from = client("198.51.100.7:" + std::to_string(2000 + i));
    EXPECT_EQ(ask(&from).answers, 1);
    if (i % 50 == 49) world_.simulation.runFor(absl::Seconds(2));
  }
  EXPECT_EQ(origin_.open(), 0u);
  EXPECT_EQ(cluster_->connections(), 0u);
}

// Takes a connection of its own and keeps it.
struct Taker final : upstream::ConnectReceiver, net::Session {
  void onConnected(Connected connected) override {
    got = std::move(connected);
    got.connection->setSession(*this);
  }
  void onConnectFailed(http::Reason, upstream::HostRef) override { FAIL(); }
  void onInput(buffer::Buffer&, bool) override {}
  void onRoom() override {}
  void onClose(net::CloseReason) override {}

  base::Ticket ticket;
  Connected got{nullptr, nullptr, {}};
};

TEST_F(ProxyProtocolTransportTest, AProxiedConnectionBeginsWithItsClient) {
  start(Version::kV2);
  PickContext pick;
  pick.client = &other_;
  Taker taker;
  taker.ticket = cluster_->connect(pick, taker);
  world_.settle();
  ASSERT_NE(taker.got.connection, nullptr);
  ASSERT_EQ(origin_.peers.size(), 1u);
  const ProxyHeader read = parseProxyHeader(origin_.peers[0]->received);
  EXPECT_EQ(read.source.text(), "198.51.100.7:1001");
  EXPECT_EQ(read.destination.text(), "192.0.2.9:443");
  EXPECT_EQ(read.bytes, origin_.peers[0]->received.size());
}

}  // namespace
}  // namespace weir::extensions
