// A client of HTTP/2 that does not read: what weir holds for it is bounded, and the upstream is made to wait. And a
// request that one host of a cluster refuses, which the other one answers.
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "test/proxy/h2_ends.h"
#include "test/upstream/h2_origin.h"

namespace weir::proxy {
namespace {

using http::h2::Call;

constexpr size_t kBody = 20 * 1024 * 1024;

std::string bigAnswer() {
  return "HTTP/1.1 200 OK\r\ncontent-length: " + std::to_string(kBody) + "\r\n\r\n" + std::string(kBody, 'b');
}

// The windows of the client, the buffers of both connections and of the stream between, with some air.
constexpr size_t kHeldBlocks = 200;

TEST(H2Pressure, AStreamThatIsNotReadPausesItsUpstreamAndNoOther) {
  ProxyWorld world;
  H2Client client(world);
  Call& slow = client.get("/slow");
  slow.pull = false;
  client.settle();
  ASSERT_EQ(world.origin.peers.size(), 1u);
  world.origin.peers[0]->write(bigAnswer());
  client.settle();
  const size_t unsent = world.origin.peers[0]->connection().output().size();
  EXPECT_GT(unsent, kBody - 4 * 1024 * 1024);
  EXPECT_LT(world.upstream.worker().blocks.inUse(), kHeldBlocks);
  world.upstream.simulation.runFor(absl::Seconds(5));
  EXPECT_EQ(world.origin.peers[0]->connection().output().size(), unsent) << "nothing more is taken";
  // The connection goes on.
  Call& other = client.get("/other");
  client.settle();
  ASSERT_EQ(world.origin.peers.size(), 2u);
  world.origin.peers[1]->write(upstream::kOk);
  client.settle();
  EXPECT_NE(other.log().find("data(hi)\nend\n"), std::string::npos) << other.log();
  // Read again, all of it comes.
  slow.pull = true;
  client.peer.pump();
  client.settle();
  EXPECT_TRUE(slow.ended());
  EXPECT_EQ(slow.failure(), http::Reason::kNone);
  EXPECT_GT(slow.log().size(), kBody);
}

TEST(H2Pressure, AConnectionThatIsNotReadPausesTheUpstreamsOfAllItsStreams) {
  constexpr size_t kStreams = 8;
  ProxyWorld world;
  world.clients.push_back(std::make_unique<RawClient>(world.client_worker, world.address(), 4096));
  RawClient& client = *world.clients.back();
  client.keep_bytes = false;
  world.settle();
  std::string bytes = http::h2::hello() + http::h2::window(0, 0x40000000);
  for (uint32_t i = 0; i < kStreams; ++i) {
    bytes += http::h2::headers(2 * i + 1, http::h2::get(), true) + http::h2::window(2 * i + 1, 0x40000000);
  }
  client.pauseReading(true);
  client.write(bytes);
  world.settle();
  ASSERT_EQ(world.origin.peers.size(), kStreams);
  for (const auto& peer : world.origin.peers) peer->write(bigAnswer());
  world.settle();
  for (const auto& peer : world.origin.peers) {
    EXPECT_GT(peer->connection().output().size(), kBody - 4 * 1024 * 1024);
  }
  EXPECT_LT(world.upstream.worker().blocks.inUse(), kStreams * kHeldBlocks);
  client.pauseReading(false);
  world.settle();
  EXPECT_GT(client.received_bytes, kStreams * kBody);
  EXPECT_EQ(world.counter("http.p.downstream_rq_2xx"), kStreams);
  EXPECT_EQ(world.gauge("http2.streams_active"), 0);
}

class TwoHosts : public testing::Test {
 protected:
  ~TwoHosts() override {
    other_h2_.reset();
    other_.reset();
  }
  // Both hosts speak HTTP/2.
  void addOther(upstream::ClusterConfig& cluster) {
    cluster.protocol = upstream::Protocol::kHttp2;
    other_ = std::make_unique<upstream::Origin>(world_.upstream.origin_worker, "10.0.0.9");
    upstream::HostSpec host;
    host.address = other_->address();
    host.text = host.address.text();
    cluster.hosts.push_back(std::move(host));
    other_h2_ = std::make_unique<upstream::H2Origin>(*other_);
  }

  std::unique_ptr<upstream::Origin> other_;
  std::unique_ptr<upstream::H2Origin> other_h2_;
  ProxyWorld world_{{}, [this](upstream::ClusterConfig& cluster) { addOther(cluster); }};
  upstream::H2Origin first_h2_{world_.origin};
};

TEST_F(TwoHosts, WhatOneRefusesTheOtherAnswers) {
  constexpr size_t kRequests = 20;
  first_h2_.refuse_next = 1'000;
  other_h2_->answer_all = true;
  for (size_t i = 0; i < kRequests; ++i) {
    RawClient& client = world_.client();
    client.write(kGet);
    world_.upstream.simulation.runFor(absl::Seconds(1));
    EXPECT_EQ(client.received.substr(0, 15), "HTTP/1.1 200 OK") << client.received;
  }
  const size_t refused = first_h2_.at(0).requests;
  EXPECT_GE(refused, kRequests / 4);
  EXPECT_EQ(other_h2_->at(0).requests, kRequests);
  EXPECT_EQ(world_.counter("cluster.c.upstream_rq_retry"), refused);
  EXPECT_EQ(world_.counter("http.p.downstream_rq_2xx"), kRequests);
}

}  // namespace
}  // namespace weir::proxy
