// Requests that are mirrored: the copy goes its own way, and the request never notices.
#include "source/proxy/shadow.h"

#include <string>

#include "gtest/gtest.h"
#include "test/proxy/proxy_world.h"

namespace weir::proxy {
namespace {

using upstream::kOk;

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

// Both the request and its copy go to the same cluster, over connections of their own.
class ShadowTest : public testing::Test {
 protected:
  static void mirror(ProxyWorld::Setup& setup) {
    auto policy = std::make_shared<UpstreamPolicy>();
    policy->mirrors.emplace_back().cluster = "c";
    std::get<ForwardAction>(setup.route->action).policy = std::move(policy);
  }
  // Of the two connections: the one whose request went to the host with the suffix, and the other.
  upstream::OriginPeer& shadow() { return *world_.origin.peers.at(isShadow(0) ? 0 : 1); }
  upstream::OriginPeer& request() { return *world_.origin.peers.at(isShadow(0) ? 1 : 0); }
  bool isShadow(size_t i) { return contains(world_.origin.peers.at(i)->received, "host: h-shadow:80\r\n"); }
  size_t active() { return world_.exchanges.shadows.active(); }

  ProxyWorld world_{mirror};
};

constexpr std::string_view kPost = "POST /a HTTP/1.1\r\nhost: h:80\r\nx-a: 1\r\ncontent-length: 5\r\n\r\nhello";

TEST_F(ShadowTest, TheCopyIsWholeAndGoesOnWithoutTheRequest) {
  RawClient& client = world_.client();
  client.write(kPost);
  world_.settle();
  ASSERT_EQ(world_.origin.peers.size(), 2u);
  EXPECT_TRUE(contains(shadow().received, "x-a: 1\r\n"));
  EXPECT_TRUE(contains(shadow().received, "\r\n\r\nhello"));
  EXPECT_TRUE(contains(request().received, "host: h:80\r\n"));
  request().write(kOk);
  world_.settle();
  EXPECT_TRUE(contains(client.received, "\r\n\r\nhi"));
  client.drop();
  world_.settle();
  EXPECT_EQ(active(), 1u);
  shadow().write("HTTP/1.1 500 No\r\ncontent-length: 3\r\n\r\nbad");
  world_.settle();
  EXPECT_EQ(active(), 0u);
  EXPECT_EQ(world_.counter("cluster.c.upstream_rq_5xx"), 1u);
  EXPECT_EQ(world_.origin.open(), 2u);  // both connections may be used again
}

TEST_F(ShadowTest, AShadowThatFailsOrHangsIsNotNoticed) {
  for (const bool hangs : {false, true}) {
    RawClient& client = world_.client();
    client.write(kPost);
    world_.settle();
    if (!hangs) shadow().connection().close(net::CloseReason::kLocalReset);
    request().write(kOk);
    world_.settle();
    EXPECT_TRUE(contains(client.received, "\r\n\r\nhi"));
    if (hangs) world_.upstream.simulation.runFor(absl::Seconds(16));
    EXPECT_EQ(active(), 0u);
    for (const auto& peer : world_.origin.peers) {
      if (!peer->closed) peer->connection().close(net::CloseReason::kLocalReset);
    }
    world_.settle();
    world_.origin.peers.clear();
  }
  EXPECT_EQ(world_.log.at(1), "200  POST /a");
}

TEST_F(ShadowTest, AShadowThatDoesNotReadEndsAloneAndHoldsLittle) {
  RawClient& client = world_.client();
  constexpr size_t kBytes = 8 * 1024 * 1024;
  client.write("PUT /a HTTP/1.1\r\nhost: h:80\r\ncontent-length: " + std::to_string(kBytes) + "\r\n\r\n");
  world_.settle();
  ASSERT_EQ(world_.origin.peers.size(), 2u);
  upstream::OriginPeer& reads = request();
  upstream::OriginPeer& stands = shadow();
  stands.connection().pauseReading(true);
  reads.keep_bytes = false;
  client.write(std::string(kBytes, 'x'));
  world_.settle();
  EXPECT_GT(reads.received_bytes, kBytes);
  EXPECT_EQ(active(), 0u);
  EXPECT_EQ(world_.counter("cluster.c.retry_or_shadow_abandoned"), 1u);
  reads.write(kOk);
  world_.settle();
  EXPECT_TRUE(contains(client.received, "\r\n\r\nhi"));
}

TEST_F(ShadowTest, AnAnswerWithoutEndIsDroppedAsItComes) {
  RawClient& client = world_.client();
  client.write(kPost);
  world_.settle();
  upstream::OriginPeer& endless = shadow();
  request().write(kOk);
  endless.write("HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n");
  for (int i = 0; i < 64; ++i) {
    endless.write(std::string(256 * 1024, 'x'));
    world_.settle();
    EXPECT_LT(world_.upstream.worker().blocks.inUse() * buffer::Block::kBytes, 3u * 1024 * 1024);
  }
  EXPECT_TRUE(contains(client.received, "\r\n\r\nhi"));
}

}  // namespace
}  // namespace weir::proxy
