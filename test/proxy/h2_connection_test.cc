// A client's HTTP/2 connection from its first byte to its last.
#include <string>

#include "gtest/gtest.h"
#include "test/http/h2/frames.h"
#include "test/proxy/h2_ends.h"

namespace weir::proxy {
namespace {

using http::h2::Call;
using http::h2::hello;
using http::h2::inWords;
using upstream::kOk;

bool startsWith(std::string_view text, std::string_view start) { return text.substr(0, start.size()) == start; }
bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

size_t count(std::string_view text, std::string_view part) {
  size_t n = 0;
  for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

void answerDirectly(ProxyWorld::Setup& setup) { setup.route->action = DirectAction{200, "here"}; }

TEST(H2Connection, SharesAPortWithHttp1) {
  ProxyWorld world(answerDirectly);
  H2Client h2(world);
  Call& call = h2.get("/x");
  h2.settle();
  EXPECT_TRUE(startsWith(call.log(), "200 length:4 ")) << call.log();
  EXPECT_TRUE(contains(call.log(), "data(here)\nend\n")) << call.log();
  EXPECT_TRUE(startsWith(world.ask(world.client(), kGet), "HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(world.counter("http.p.downstream_cx_http1_total"), 1u);
  EXPECT_EQ(world.counter("http.p.downstream_cx_http2_total"), 1u);
  EXPECT_EQ(world.gauge("http.p.downstream_cx_http2_active"), 1);
  EXPECT_EQ(world.counter("http.p.downstream_rq_http2_total"), 1u);
  EXPECT_EQ(world.counter("http.p.downstream_rq_http1_total"), 1u);
  EXPECT_EQ(world.gauge("http2.streams_active"), 0);
}

TEST(H2Connection, IsToldFromHttp1AtWhateverByteTheFirstReadEnds) {
  const std::string bytes = hello() + http::h2::headers(1, http::h2::get(), true);
  for (size_t split = 1; split < bytes.size(); ++split) {
    ProxyWorld world(answerDirectly);
    RawClient& client = world.client();
    client.write(bytes.substr(0, split));
    world.settle();
    client.write(bytes.substr(split));
    world.settle();
    EXPECT_EQ(inWords(client.received), "HEADERS 1, DATA 1 (4) end") << split;
  }
  for (const std::string_view start : {"P", "PR"}) {
    ProxyWorld world(answerDirectly);
    RawClient& client = world.client();
    client.write(start);
    world.settle();
    client.write(std::string(start == "P" ? "UT" : "OPFIND") + " /a HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\n\r\n");
    world.settle();
    EXPECT_TRUE(startsWith(client.received, "HTTP/1.1 200 OK\r\n")) << client.received;
  }
}

TEST(H2Connection, ThatNeverSaysWhatItIsGetsTheHeaderTimeout) {
  ProxyWorld world(answerDirectly);
  RawClient& client = world.client();
  client.write("PRI * HTTP/2.0\r\n");
  world.upstream.simulation.runFor(absl::Seconds(11));
  EXPECT_TRUE(startsWith(client.received, "HTTP/1.1 408 ")) << client.received;
  EXPECT_TRUE(client.ended);
  EXPECT_EQ(world.counter("http.p.downstream_rq_header_timeout"), 1u);
}

TEST(H2Connection, IsTheOnlyOneWhereTheListenerSaysSo) {
  for (const DownstreamProtocol protocol : {DownstreamProtocol::kHttp1, DownstreamProtocol::kHttp2}) {
    const auto change = [&](ProxyWorld::Setup& setup) {
      answerDirectly(setup);
      setup.config->protocol = protocol;
    };
    ProxyWorld world(change);
    const bool only_h2 = protocol == DownstreamProtocol::kHttp2;
    RawClient& wrong = world.client();
    wrong.write(only_h2 ? std::string(kGet) : hello());
    world.settle();
    EXPECT_TRUE(contains(wrong.received, only_h2 ? "" : "HTTP/1.1 ")) << wrong.received;
    EXPECT_TRUE(wrong.ended);
    EXPECT_EQ(world.counter("http.p.downstream_cx_protocol_error"), 1u);
    EXPECT_EQ(world.counter("http2.protocol_error"), only_h2 ? 1u : 0u);
    RawClient& right = world.client();
    right.write(only_h2 ? hello() + http::h2::headers(1, http::h2::get(), true) : std::string(kGet));
    world.settle();
    EXPECT_FALSE(right.received.empty());
    EXPECT_FALSE(right.ended);
  }
}

TEST(H2Connection, CarriesManyStreamsAtOnceToHttp1) {
  ProxyWorld world;
  H2Client client(world);
  for (int i = 0; i < 100; ++i) client.get("/" + std::to_string(i));
  client.settle();
  EXPECT_EQ(world.gauge("http2.streams_active"), 100);
  EXPECT_EQ(world.origin.peers.size(), 100u);
  EXPECT_FALSE(client.peer.codec().canOpen());
  for (const auto& peer : world.origin.peers) {
    EXPECT_TRUE(contains(peer->received, " HTTP/1.1\r\nhost: h\r\n")) << peer->received;
    EXPECT_TRUE(contains(peer->received, "x-forwarded-proto: http\r\n")) << peer->received;
    peer->write(kOk);
  }
  client.settle();
  for (const auto& call : client.peer.calls()) EXPECT_TRUE(contains(call->log(), "data(hi)\nend\n")) << call->log();
  EXPECT_EQ(world.gauge("http2.streams_active"), 0);
  EXPECT_EQ(world.counter("http.p.downstream_rq_2xx"), 100u);
}

TEST(H2Connection, BelievesTheConnectionAndNotTheSchemeOfTheRequest) {
  ProxyWorld world([](ProxyWorld::Setup& setup) { setup.config->request.use_remote_address = true; });
  H2Client client(world);
  Call& call = client.open();
  http::Head& head = call.newRequest("GET", "/");
  head.scheme = "https";
  call.send(head);
  call.sendEnd();
  client.settle();
  EXPECT_TRUE(contains(world.origin.peers.at(0)->received, "x-forwarded-proto: http\r\n"));
}

TEST(H2Connection, AnswersByItselfOnItsOwnStream) {
  ProxyWorld world([](ProxyWorld::Setup& setup) { setup.host->routes[0].first.literal = "/r"; });
  H2Client client(world);
  Call& none = client.get("/none");
  Call& forwarded = client.get("/r");
  client.settle();
  EXPECT_TRUE(startsWith(none.log(), "404 ")) << none.log();
  EXPECT_FALSE(forwarded.ended());
  world.origin.peers.at(0)->connection().close(net::CloseReason::kLocalReset);
  client.settle();
  EXPECT_TRUE(startsWith(forwarded.log(), "503 ")) << forwarded.log();
  EXPECT_EQ(world.log.at(1), "503 upstream_reset GET /r");
  EXPECT_FALSE(client.raw.ended);
}

TEST(H2Connection, PassesInformationalHeadsAndTrailersOn) {
  ProxyWorld world({}, [](upstream::ClusterConfig& config) { config.h1.enable_trailers = true; });
  H2Client client(world);
  Call& call = client.get("/");
  Call& head = client.open();
  head.request("HEAD", "/");
  client.settle();
  world.origin.peers.at(0)->write(
      "HTTP/1.1 103 Early Hints\r\nlink: <a>\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
      "1\r\na\r\n0\r\nx-sum: 7\r\n\r\n");
  world.origin.peers.at(1)->write("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n");
  client.settle();
  EXPECT_TRUE(startsWith(call.log(), "103 link=<a>\n200 ")) << call.log();
  EXPECT_TRUE(contains(call.log(), "data(a)\nend x-sum=7\n")) << call.log();
  EXPECT_TRUE(startsWith(head.log(), "200 length:1000 ")) << head.log();
  EXPECT_TRUE(contains(head.log(), "\nend\n")) << head.log();
}

TEST(H2Connection, EndsTheExchangeOfAStreamThatTheClientResets) {
  ProxyWorld world;
  H2Client client(world);
  Call& waits = client.get("/waits");
  Call& uploads = client.open();
  uploads.send(uploads.newRequest("PUT", "/uploads"));
  uploads.sendData("part");
  Call& stays = client.get("/stays");
  client.settle();
  waits.release();
  uploads.release();
  client.settle();
  EXPECT_EQ(world.log, (std::vector<std::string>{"0 client_gone GET /waits", "0 client_gone PUT /uploads"}));
  EXPECT_EQ(world.origin.open(), 1u);
  EXPECT_EQ(world.counter("http2.rx_reset"), 2u);
  EXPECT_EQ(world.counter("http.p.downstream_rq_rx_reset"), 2u);
  EXPECT_EQ(world.counter("http.p.downstream_rq_5xx"), 0u);
  for (const auto& peer : world.origin.peers) {
    if (!peer->closed && !peer->ended) peer->write(kOk);
  }
  client.settle();
  EXPECT_TRUE(contains(stays.log(), "data(hi)\nend\n")) << stays.log();
}

TEST(H2Connection, TakesAnyResetOfAnUnansweredRequestForTheClientsEnd) {
  for (const uint32_t code : {0u, 8u}) {
    ProxyWorld world;
    RawClient& client = world.client();
    client.write(hello() + http::h2::headers(1, http::h2::get(), true));
    world.settle();
    client.write(http::h2::rst(1, code));
    world.settle();
    EXPECT_EQ(world.log, std::vector<std::string>{"0 client_gone GET /"}) << code;
    EXPECT_EQ(world.origin.open(), 0u);
  }
}

TEST(H2Connection, SaysWhyAStreamBreaksOff) {
  ProxyWorld world;
  RawClient& client = world.client();
  client.write(hello() + http::h2::headers(1, http::h2::get(), true));
  world.settle();
  world.origin.peers.at(0)->write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf");
  world.settle();
  world.origin.peers.at(0)->connection().close(net::CloseReason::kLocalReset);
  world.settle();
  EXPECT_EQ(inWords(client.received), "HEADERS 1, DATA 1 (4), RST 1 INTERNAL_ERROR");
  EXPECT_EQ(world.counter("http2.tx_reset"), 1u);
  EXPECT_FALSE(client.ended);
}

TEST(H2Connection, GivesUpWhenTheClientHasGone) {
  for (const bool reset : {false, true}) {
    ProxyWorld world;
    H2Client client(world);
    for (int i = 0; i < 3; ++i) client.get("/a");
    client.settle();
    reset ? client.raw.drop() : client.raw.finish();
    world.settle();
    EXPECT_EQ(world.log, std::vector<std::string>(3, "0 client_gone GET /a"));
    EXPECT_EQ(world.counter("http.p.downstream_rq_5xx"), 0u);
    EXPECT_EQ(world.origin.open(), 0u);
    world.upstream.simulation.runFor(absl::Seconds(2));
    EXPECT_EQ(world.listener->connections(), 0u);
    EXPECT_EQ(world.exchanges.h2_memory.bytesInUse(), 0u);
  }
}

TEST(H2Connection, DrainsInTwoStepsSoThatNoRequestIsLost) {
  ProxyWorld world;
  H2Client client(world);
  Call& before = client.get("/before");
  client.settle();
  world.draining = true;
  world.listener->drain();
  // On its way when the first GOAWAY comes.
  Call& meanwhile = client.get("/meanwhile");
  client.raw.write(client.peer.output());
  client.settle();
  EXPECT_EQ(inWords(client.received.substr(0)), "GOAWAY 2147483647 NO_ERROR, PING, GOAWAY 3 NO_ERROR");
  EXPECT_EQ(world.origin.peers.size(), 2u);
  for (const auto& peer : world.origin.peers) peer->write(kOk);
  client.settle();
  EXPECT_TRUE(contains(before.log(), "data(hi)\nend\n")) << before.log();
  EXPECT_TRUE(contains(meanwhile.log(), "data(hi)\nend\n")) << meanwhile.log();
  EXPECT_TRUE(client.raw.ended);
  EXPECT_EQ(world.counter("http2.goaway_sent"), 1u);
  EXPECT_EQ(world.counter("http.p.downstream_cx_drain_close"), 1u);
  world.upstream.simulation.runFor(absl::Seconds(2));
  EXPECT_EQ(world.listener->connections(), 0u);
}

TEST(H2Connection, SaysTheLastGoawayToAClientThatDoesNotAnswerTheFirst) {
  ProxyWorld world(answerDirectly);
  RawClient& client = world.client();
  client.write(hello());
  world.settle();
  client.received.clear();
  world.listener->drain();
  world.settle();
  EXPECT_EQ(inWords(client.received), "GOAWAY 2147483647 NO_ERROR, PING");
  world.upstream.simulation.runFor(absl::Milliseconds(4'800));
  EXPECT_FALSE(client.ended);
  world.upstream.simulation.runFor(absl::Milliseconds(300));
  EXPECT_EQ(inWords(client.received), "GOAWAY 2147483647 NO_ERROR, PING, GOAWAY 0 NO_ERROR");
  EXPECT_TRUE(client.ended);
}

TEST(H2Connection, EndsByGoawayWhenIdleTooOldOrUsedUp) {
  struct Case {
    void (*change)(HttpConnectionManagerConfig&);
    std::string_view counter;
  };
  const Case cases[] = {
      {[](HttpConnectionManagerConfig& config) { config.idle_timeout = absl::Seconds(60); },
       "http.p.downstream_cx_idle_timeout"},
      {[](HttpConnectionManagerConfig& config) { config.max_connection_duration = absl::Seconds(60); },
       "http.p.downstream_cx_max_duration_reached"},
      {[](HttpConnectionManagerConfig& config) { config.max_requests_per_connection = 1; },
       "http.p.downstream_cx_max_requests_reached"},
  };
  for (const Case& c : cases) {
    ProxyWorld world([&](ProxyWorld::Setup& setup) {
      answerDirectly(setup);
      c.change(*setup.config);
    });
    H2Client client(world);
    Call& call = client.get("/");
    client.settle();
    EXPECT_TRUE(contains(call.log(), "data(here)\nend\n")) << call.log();
    world.upstream.simulation.runFor(absl::Seconds(61));
    client.settle();
    // A client without a stream may leave the PING behind GOAWAY without an answer.
    world.upstream.simulation.runFor(absl::Seconds(5));
    client.settle();
    EXPECT_TRUE(client.raw.ended) << c.counter;
    EXPECT_EQ(world.counter(c.counter), 1u) << c.counter;
    EXPECT_TRUE(contains(inWords(client.received), "GOAWAY 2147483647 NO_ERROR, PING")) << c.counter;
    EXPECT_TRUE(contains(inWords(client.received), "GOAWAY 1 NO_ERROR")) << inWords(client.received);
  }
}

TEST(H2Connection, AsksASilentClientForASignOfLife) {
  ProxyWorld world([](ProxyWorld::Setup& setup) {
    setup.config->h2_keepalive = http::KeepaliveOptions{absl::Seconds(30), absl::Seconds(5), 0};
    std::get<ForwardAction>(setup.route->action).timeout = absl::ZeroDuration();
  });
  H2Client alive(world);
  alive.get("/a");
  RawClient& dead = world.client();
  dead.write(hello() + http::h2::headers(1, http::h2::get(), true));
  alive.settle();
  for (int i = 0; i < 34; ++i) {
    world.upstream.simulation.runFor(absl::Seconds(1));
    alive.settle();
  }
  EXPECT_EQ(count(inWords(dead.received), "PING"), 1u);
  EXPECT_FALSE(dead.closed.has_value());
  for (int i = 0; i < 4; ++i) {
    world.upstream.simulation.runFor(absl::Seconds(1));
    alive.settle();
  }
  EXPECT_TRUE(dead.closed.has_value());
  EXPECT_FALSE(alive.raw.closed.has_value());
  EXPECT_EQ(world.counter("http2.keepalive_timeout"), 1u);
  EXPECT_EQ(world.log, std::vector<std::string>{"0 client_gone GET /"});
}

TEST(H2Connection, HoldsFewBytesWhileItIsIdle) {
  ProxyWorld world(answerDirectly);
  constexpr size_t kConnections = 50;
  std::vector<std::unique_ptr<H2Client>> clients;
  for (size_t i = 0; i < kConnections; ++i) {
    clients.push_back(std::make_unique<H2Client>(world));
    clients.back()->get("/");
    clients.back()->settle();
  }
  EXPECT_EQ(world.upstream.worker().blocks.inUse(), 0u);
  const size_t session = world.exchanges.h2_memory.bytesInUse() / kConnections;
  // Of the session of the library, 8 KiB are its struct, its table of streams and two tables of HPACK. Beside it: the
  // connection, its codec and the pieces of the heap around them.
  EXPECT_LE(session, 10u * 1024);
  EXPECT_LE(sizeof(DownstreamConnection) + sizeof(HttpConnectionManager) + sizeof(http::h2::H2Codec), 2u * 1024);
}

TEST(H2Connection, EndsTenThousandStreamsAtOnce) {
  ProxyWorld world([](ProxyWorld::Setup& setup) { setup.config->h2.max_concurrent_streams = 10'000; },
                   [](upstream::ClusterConfig& config) {
                     config.thresholds[0].max_connections = 4;
                     config.thresholds[0].max_pending_requests = config.thresholds[0].max_requests = 20'000;
                   });
  const auto run = [&](uint32_t streams, uint32_t first, RawClient& client) {
    std::string bytes;
    for (uint32_t i = 0; i < streams; ++i) bytes += http::h2::headers(first + 2 * i, http::h2::post(), false);
    client.write(bytes);
    world.settle();
  };
  RawClient& client = world.client();
  client.keep_bytes = false;
  client.write(hello());
  run(10'000, 1, client);
  client.drop();
  world.settle();
  EXPECT_EQ(world.log.size(), 10'000u);
  EXPECT_EQ(world.gauge("http2.streams_active"), 0);
  EXPECT_EQ(world.gauge("http.p.downstream_rq_active"), 0);
}

}  // namespace
}  // namespace weir::proxy
