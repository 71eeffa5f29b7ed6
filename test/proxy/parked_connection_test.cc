// Connections that nothing happens on, and whatever may happen then.
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "source/net/tls/tls_transport.h"
#include "test/net/tls/test_certificates.h"
#include "test/proxy/proxy_world.h"

namespace weir::proxy {
namespace {

using net::tls::TlsTransport;
using upstream::kOk;

constexpr absl::Duration kLongEnough = absl::Seconds(1);
constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\n";

size_t count(std::string_view text, std::string_view part) {
  size_t n = 0;
  for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

enum class Bytes { kPlain, kTls };

const net::tls::TestAuthority& authority() {
  static const net::tls::TestAuthority made;
  return made;
}

std::shared_ptr<const net::TransportFactory> serverTransport(stats::Registry& registry) {
  net::tls::ServerConfig config;
  config.certificates.push_back(authority().leaf({{GEN_DNS, "a.example"}}).config());
  return TlsTransport::server(config, net::tls::TlsStats::make(registry, "listener", "x")).factory;
}

std::shared_ptr<const net::TransportFactory> clientTransport(stats::Registry& registry) {
  net::tls::ClientConfig config;
  config.server_name = "a.example";
  config.validation.trusted_ca = authority().root.pem;
  return TlsTransport::client(config, net::tls::TlsStats::make(registry, "cluster", "x")).factory;
}

struct ParkedWorld : ProxyWorld {
  explicit ParkedWorld(Bytes bytes, const std::function<void(Setup&)>& change = {}, bool answers = true)
      : ProxyWorld([&](Setup& setup) {
          if (bytes == Bytes::kTls) *setup.transport = serverTransport(upstream.registry);
          if (change) change(setup);
        }) {
    if (bytes == Bytes::kTls) client_transport = clientTransport(upstream.registry);
    if (answers) origin.answerAll();
  }
  void run(absl::Duration time) { upstream.simulation.runFor(time); }
  // As ProxyWorld does, in less time than it takes to be parked.
  std::string ask(RawClient& client, std::string_view bytes) {
    client.received.clear();
    client.write(bytes);
    run(absl::Milliseconds(10));
    return client.received;
  }
  // A client that had one answer, and was idle since.
  RawClient& parkedClient() {
    RawClient& made = client();
    EXPECT_EQ(count(ask(made, kGet), kAnswer), 1u) << made.received;
    run(kLongEnough);
    EXPECT_EQ(listener->parked(), listener->connections());
    made.received.clear();
    return made;
  }
  void expectNothingLeft() {
    EXPECT_EQ(listener->connections(), 0u);
    EXPECT_EQ(listener->parked(), 0u);
    EXPECT_EQ(gauge("http.p.downstream_cx_active"), 0);
    EXPECT_EQ(gauge("http.p.downstream_cx_http1_active"), 0);
    EXPECT_EQ(gauge("listener.listener.downstream_cx_active"), 0);
    EXPECT_EQ(counter("http.p.downstream_cx_destroy"), counter("http.p.downstream_cx_total"));
    EXPECT_EQ(limit.used(), 0u);
    EXPECT_EQ(upstream.worker().blocks.inUse(), 0u);
  }
};

class ParkedConnectionTest : public testing::TestWithParam<Bytes> {};

TEST_P(ParkedConnectionTest, ServesTheNextRequestAsIfNothingHadBeen) {
  ParkedWorld world(GetParam());
  RawClient& client = world.client();
  EXPECT_EQ(world.listener->parked(), 0u);
  for (int request = 0; request < 3; ++request) {
    EXPECT_EQ(count(world.ask(client, kGet), kAnswer), 1u) << client.received;
    EXPECT_EQ(world.listener->parked(), 0u);
    world.run(kLongEnough);
    EXPECT_EQ(world.listener->parked(), 1u);
    EXPECT_EQ(world.listener->connections(), 1u);
    EXPECT_EQ(world.gauge("http.p.downstream_cx_active"), 1);
    EXPECT_EQ(world.gauge("http.p.downstream_cx_http1_active"), 1);
    EXPECT_EQ(world.gauge("listener.listener.downstream_cx_active"), 1);
    EXPECT_EQ(world.limit.used(), 1u);
  }
  EXPECT_EQ(world.counter("http.p.downstream_cx_total"), 1u);
  EXPECT_EQ(world.counter("http.p.downstream_cx_http1_total"), 1u);
  EXPECT_EQ(world.counter("http.p.downstream_cx_destroy"), 0u);
  EXPECT_EQ(world.log.size(), 3u);
  client.finish();
  world.run(kLongEnough);
  EXPECT_EQ(world.counter("http.p.downstream_cx_rx_bytes_total"), 3 * kGet.size());
  EXPECT_EQ(world.counter("http.p.downstream_cx_tx_bytes_total"), client.received_bytes);
  world.expectNothingLeft();
}

TEST_P(ParkedConnectionTest, IsNotMadeOfOneWithARequestOrHalfOne) {
  const auto direct = [](ProxyWorld::Setup& setup) {
    ProxyWorld::addRoute(*setup.host, "/direct").action = DirectAction{200, "made"};
  };
  ParkedWorld world(GetParam(), direct, false);
  RawClient& silent = world.client();
  RawClient& half = world.client();
  EXPECT_EQ(count(world.ask(half, "GET /direct HTTP/1.1\r\nhost: h\r\n\r\n"), kAnswer), 1u);
  half.write("GET /a HTT");
  world.client().write(kGet);  // whose answer does not come
  world.upstream.simulation.runFor(kLongEnough);
  EXPECT_EQ(world.listener->parked(), 0u);
  EXPECT_EQ(world.listener->connections(), 3u);
  EXPECT_FALSE(silent.ended);
  half.received.clear();
  world.upstream.simulation.runFor(absl::Seconds(10));
  EXPECT_EQ(count(half.received, "HTTP/1.1 408 "), 1u) << half.received;
}

TEST_P(ParkedConnectionTest, WaitsForTheRestOfAHead) {
  ParkedWorld world(GetParam());
  RawClient& client = world.parkedClient();
  client.write(kGet.substr(0, 9));
  world.run(kLongEnough);
  EXPECT_EQ(world.listener->parked(), 0u);
  client.write(kGet.substr(9));
  world.run(absl::Milliseconds(10));
  EXPECT_EQ(count(client.received, kAnswer), 1u) << client.received;
  world.run(kLongEnough);
  EXPECT_EQ(world.listener->parked(), 1u);
  client.received.clear();
  client.write("GET /a HTT");
  world.run(absl::Seconds(11));
  EXPECT_EQ(count(client.received, "HTTP/1.1 408 "), 1u) << client.received;
  EXPECT_TRUE(client.ended);
}

// At one of these moments the request comes in the turn that parks the connection, and at others around it.
TEST_P(ParkedConnectionTest, LosesNoRequestWheneverItComes) {
  ParkedWorld world(GetParam());
  RawClient& client = world.client();
  size_t parked = 0;
  for (int microseconds = 40'000; microseconds < 260'000; microseconds += 500) {
    ASSERT_EQ(count(world.ask(client, kGet), kAnswer), 1u) << microseconds;
    world.run(absl::Microseconds(microseconds));
    parked += world.listener->parked();
  }
  EXPECT_GT(parked, 20u);
  EXPECT_LT(parked, 420u);
  EXPECT_EQ(world.counter("http.p.downstream_cx_total"), 1u);
}

// The sweep may look at a connection in the middle of a request, and between the last write and the end of it.
TEST_P(ParkedConnectionTest, ComesOfEveryIdleConnectionWheneverItWasLookedAt) {
  ParkedWorld world(GetParam());
  RawClient& first = world.client();
  RawClient& second = world.client();
  for (int microseconds = 30'000; microseconds < 60'000; microseconds += 20) {
    first.write(kGet);
    world.run(absl::Microseconds(microseconds));
    second.write(kGet);
    world.run(kLongEnough);
    ASSERT_EQ(world.listener->parked(), 2u) << microseconds;
  }
  EXPECT_EQ(count(second.received, kAnswer), 1500u);
}

TEST_P(ParkedConnectionTest, AnswersPipelinedRequestsInOrder) {
  ParkedWorld world(GetParam(), [](ProxyWorld::Setup& setup) {
    ProxyWorld::addRoute(*setup.host, "/direct").action = DirectAction{201, "made"};
  });
  RawClient& client = world.parkedClient();
  const std::string answer =
      world.ask(client, std::string(kGet) + "GET /direct HTTP/1.1\r\nhost: h\r\n\r\n" + std::string(kGet));
  EXPECT_LT(answer.find("200 OK"), answer.find("201 Created")) << answer;
  EXPECT_LT(answer.find("201 Created"), answer.rfind("200 OK")) << answer;
}

TEST_P(ParkedConnectionTest, EndsWithItsPeer) {
  ParkedWorld world(GetParam());
  RawClient& finishing = world.parkedClient();
  RawClient& resetting = world.parkedClient();
  RawClient& asking = world.parkedClient();
  finishing.finish();
  resetting.drop();
  // The last request, and the end right behind it: as it is without a rest before it.
  RawClient& fresh = world.client();
  for (RawClient* client : {&asking, &fresh}) {
    client->write(kGet);
    client->finish();
  }
  world.run(kLongEnough);
  EXPECT_EQ(asking.received, fresh.received);
  EXPECT_EQ(asking.closed.has_value(), fresh.closed.has_value());
  EXPECT_EQ(world.log.at(world.log.size() - 1), world.log.at(world.log.size() - 2));
  EXPECT_TRUE(finishing.closed.has_value());
  world.run(absl::Seconds(2));
  world.expectNothingLeft();
}

TEST_P(ParkedConnectionTest, ClosesAfterTheIdleTimeout) {
  ParkedWorld world(GetParam(), [](ProxyWorld::Setup& setup) { setup.config->idle_timeout = absl::Seconds(60); });
  RawClient& client = world.parkedClient();
  world.run(absl::Seconds(58.8));
  EXPECT_FALSE(client.ended);
  EXPECT_EQ(world.listener->parked(), 1u);
  world.run(absl::Seconds(0.4));
  EXPECT_TRUE(client.ended);
  EXPECT_EQ(client.received, "");
  EXPECT_EQ(world.counter("http.p.downstream_cx_idle_timeout"), 1u);
  world.run(absl::Seconds(2));
  world.expectNothingLeft();
}

TEST_P(ParkedConnectionTest, ClosesWhenItIsTooOld) {
  ParkedWorld world(GetParam(),
                    [](ProxyWorld::Setup& setup) { setup.config->max_connection_duration = absl::Seconds(30); });
  RawClient& asking = world.parkedClient();
  RawClient& silent = world.parkedClient();
  world.run(absl::Seconds(30));
  EXPECT_EQ(world.counter("http.p.downstream_cx_max_duration_reached"), 2u);
  EXPECT_EQ(count(world.ask(asking, kGet), "connection: close"), 1u) << asking.received;
  EXPECT_TRUE(asking.ended);
  world.run(absl::Seconds(10));
  EXPECT_TRUE(silent.ended);
  world.expectNothingLeft();
}

TEST_P(ParkedConnectionTest, CountsTheRequestsThatItServed) {
  ParkedWorld world(GetParam(), [](ProxyWorld::Setup& setup) { setup.config->max_requests_per_connection = 3; });
  RawClient& client = world.parkedClient();
  EXPECT_EQ(count(world.ask(client, kGet), "connection: close"), 0u);
  world.run(kLongEnough);
  EXPECT_EQ(world.listener->parked(), 1u);
  EXPECT_EQ(count(world.ask(client, kGet), "connection: close"), 1u) << client.received;
  EXPECT_TRUE(client.ended);
}

TEST_P(ParkedConnectionTest, IsDrained) {
  ParkedWorld world(GetParam());
  RawClient& client = world.parkedClient();
  world.draining = true;
  world.listener->drain();
  world.run(absl::Seconds(2));
  EXPECT_TRUE(client.ended);
  EXPECT_EQ(client.received, "");
  EXPECT_EQ(world.counter("http.p.downstream_cx_drain_close"), 1u);
  world.expectNothingLeft();
}

TEST_P(ParkedConnectionTest, IsClosedWithAllOthers) {
  ParkedWorld world(GetParam());
  RawClient& client = world.parkedClient();
  world.listener->closeAll();
  world.settle();
  EXPECT_TRUE(client.closed.has_value());
  world.expectNothingLeft();
}

TEST_P(ParkedConnectionTest, GoesWithItsListener) {
  ParkedWorld world(GetParam());
  world.parkedClient();
  world.parkedClient();
  world.listener.reset();
  world.settle();
  EXPECT_EQ(world.gauge("http.p.downstream_cx_active"), 0);
  EXPECT_EQ(world.gauge("listener.listener.downstream_cx_active"), 0);
  EXPECT_EQ(world.limit.used(), 0u);
  EXPECT_TRUE(world.clients[0]->ended || world.clients[0]->closed.has_value());
}

// Takes a line with nothing but a name off the front, and has clients come from elsewhere.
class Introduction final : public ListenerFilter {
 public:
  explicit Introduction(const net::Address& remote) : remote_(remote) {}
  Verdict inspect(Look& look, Inspected& result) const override {
    const size_t end = look.bytes.find('\n');
    if (end == std::string_view::npos) return Verdict::kMore;
    result.server_name = look.bytes.substr(0, end);
    result.remote = remote_;
    look.consumed = end + 1;
    return Verdict::kDone;
  }
  size_t maxBytes() const override { return 100; }

 private:
  const net::Address remote_;
};

// A line per exchange: who the client is, and whom it asked for.
class ClientLog final : public filter::AccessLog {
 public:
  explicit ClientLog(std::vector<std::string>& lines) : lines_(lines) {}
  void log(const filter::StreamInfo& info, const net::WorkerContext&) const override {
    lines_.push_back(info.downstream_direct_remote.text() + " " + std::string(info.requested_server_name) + " " +
                     std::to_string(info.connection_id));
  }

 private:
  std::vector<std::string>& lines_;
};

TEST(ParkedPlainConnectionTest, KeepsWhatListenerFiltersFoundOut) {
  std::vector<std::string> lines;
  ParkedWorld world(Bytes::kPlain, [&lines](ProxyWorld::Setup& setup) {
    setup.config->access_logs.push_back(std::make_unique<ClientLog>(lines));
    setup.listener_filters->filters.push_back(
        std::make_unique<const Introduction>(*net::Address::parseIp("192.0.2.7", 7)));
  });
  RawClient& client = world.client();
  EXPECT_EQ(count(world.ask(client, "some.name\n" + std::string(kGet)), kAnswer), 1u);
  for (int request = 0; request < 3; ++request) {
    world.run(kLongEnough);
    EXPECT_EQ(world.listener->parked(), 1u);
    EXPECT_EQ(count(world.ask(client, kGet), kAnswer), 1u) << client.received;
  }
  EXPECT_EQ(lines, std::vector<std::string>(4, "192.0.2.7:7 some.name 1"));
}

TEST_P(ParkedConnectionTest, LeavesNothingBehindAStorm) {
  ParkedWorld world(GetParam());
  for (int i = 0; i < 300; ++i) world.client().write(kGet);
  world.run(kLongEnough);
  EXPECT_EQ(world.listener->parked(), 300u);
  for (const auto& client : world.clients) client->write(kGet);
  world.run(absl::Milliseconds(10));
  EXPECT_EQ(world.listener->parked(), 0u);
  for (const auto& client : world.clients) {
    EXPECT_EQ(count(client->received, kAnswer), 2u);
    client->finish();
  }
  world.run(absl::Seconds(2));
  world.expectNothingLeft();
}

INSTANTIATE_TEST_SUITE_P(Bytes, ParkedConnectionTest, testing::Values(Bytes::kPlain, Bytes::kTls),
                         [](const testing::TestParamInfo<Bytes>& info) {
                           return info.param == Bytes::kTls ? "Tls" : "Plain";
                         });

}  // namespace
}  // namespace weir::proxy
