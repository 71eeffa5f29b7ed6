// What a client's HTTP/2 connection must not do to weir, through the whole connection: it is told to calm down and is
// closed, with a counter that says why; other connections go on.
#include <functional>
#include <string>

#include "gtest/gtest.h"
#include "test/http/h2/frames.h"
#include "test/proxy/h2_ends.h"

namespace weir::proxy {
namespace {

using namespace http::h2;  // the builders of frames

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

void answerDirectly(ProxyWorld::Setup& setup) { setup.route->action = DirectAction{200, "here"}; }

struct Flood {
  const char* name;
  std::function<std::string(uint32_t)> frame;  // the i-th, after stream 1 was opened and left open
  std::string_view counter;
};

uint32_t id(uint32_t i) { return 2 * i + 3; }

std::vector<Flood> floods() {
  return {
      {"PING", [](uint32_t) { return ping(); }, "http2.inbound_ping_flood"},
      {"SETTINGS", [](uint32_t) { return settings(); }, "http2.inbound_settings_flood"},
      {"PRIORITY", [](uint32_t i) { return frame(kPriorityFrame, 0, id(i % 1000), number(0) + '\x10'); },
       "http2.inbound_priority_frames_flood"},
      {"WINDOW_UPDATE", [](uint32_t) { return window(0, 1); }, "http2.inbound_window_update_frames_flood"},
      {"empty DATA", [](uint32_t) { return data(1, ""); }, "http2.inbound_empty_frames_flood"},
      {"unknown", [](uint32_t) { return frame(0xaa, 0, 0, ""); }, "http2.inbound_unknown_frames_flood"},
      {"CONTINUATION",
       [](uint32_t i) {
         return i == 0 ? frame(kHeadersFrame, 0, 3, block({{":method", "GET"}}))
                       : frame(kContinuationFrame, 0, 3, block({{"a", "b"}}));
       },
       "http2.inbound_continuations_flood"},
      {"rapid reset", [](uint32_t i) { return headers(id(i), get(), true) + rst(id(i), 8); },
       "http2.inbound_reset_flood"},
      {"rapid reset that says no error", [](uint32_t i) { return headers(id(i), get(), true) + rst(id(i), 0); },
       "http2.inbound_reset_flood"},
      {"made you reset",
       [](uint32_t i) {
         return headers(id(i), post({{"content-length", "1"}}), false) + data(id(i), "ab");
       },
       "http2.inbound_reset_flood"},
      {"bad heads",
       [](uint32_t i) {
         return headers(id(i), get({{"A", "b"}}), true);
       },
       "http2.inbound_reset_flood"},
      {"a window of nothing", [](uint32_t i) { return i == 0 ? window(0, 0) : ping(); }, "http2.protocol_error"},
  };
}

TEST(H2Abuse, EachFloodEndsTheConnectionWithinASecondAndIsCounted) {
  for (const Flood& flood : floods()) {
    ProxyWorld world;
    H2Client other(world);
    Call& waits = other.get("/other");
    other.settle();
    RawClient& client = world.client();
    client.keep_bytes = false;
    client.write(hello() + headers(1, post(), false));
    world.settle();
    const base::MonotonicTime begin = world.upstream.simulation.now();
    for (uint32_t i = 0; i < 20'000 && !client.ended && !client.closed; i += 10) {
      std::string bytes;
      for (uint32_t j = i; j < i + 10; ++j) bytes += flood.frame(j);
      client.write(bytes);
      world.upstream.simulation.runFor(absl::Microseconds(200));
      ASSERT_LT(world.upstream.worker().blocks.inUse(), 400u) << flood.name;
    }
    EXPECT_TRUE(client.ended || client.closed) << flood.name;
    EXPECT_LE(world.upstream.simulation.now() - begin, absl::Seconds(1)) << flood.name;
    EXPECT_EQ(world.counter(flood.counter), 1u) << flood.name;
    EXPECT_EQ(world.counter("http.p.downstream_cx_protocol_error"), 1u) << flood.name;
    world.upstream.simulation.runFor(absl::Seconds(2));
    EXPECT_EQ(world.listener->connections(), 1u) << flood.name;
    EXPECT_EQ(world.gauge("http2.streams_active"), 1) << flood.name;
    // Nobody else has lost anything.
    for (const auto& peer : world.origin.peers) {
      if (contains(peer->received, "GET /other ")) peer->write(upstream::kOk);
    }
    other.settle();
    EXPECT_TRUE(contains(waits.log(), "data(hi)\nend\n")) << flood.name << waits.log();
  }
}

TEST(H2Abuse, IsToldToCalmDown) {
  ProxyWorld world(answerDirectly);
  RawClient& client = world.client();
  std::string bytes = hello();
  for (int i = 0; i < 200; ++i) bytes += ping();
  client.write(bytes);
  world.settle();
  EXPECT_TRUE(contains(inWords(client.received), "GOAWAY 0 ENHANCE_YOUR_CALM")) << inWords(client.received);
  EXPECT_TRUE(client.ended);
  EXPECT_EQ(world.counter("http2.goaway_sent"), 1u);
}

TEST(H2Abuse, ExchangesOfTheConnectionSayWhatEndedThem) {
  ProxyWorld world;
  RawClient& client = world.client();
  client.write(hello() + headers(1, get(), true));
  world.settle();
  std::string bytes;
  for (int i = 0; i < 200; ++i) bytes += ping();
  client.write(bytes);
  world.settle();
  EXPECT_EQ(world.log, std::vector<std::string>{"0 h2_ping_flood GET /"});
}

TEST(H2Abuse, BadRequestsEndTheirOwnStreamsOnly) {
  ProxyWorld world(answerDirectly);
  RawClient& client = world.client();
  client.write(hello() + headers(1, get({{"Upper", "x"}}), true) + headers(3, get(FieldPairs(200, {"a", "b"})), true) +
               headers(5, get({{"x", std::string(61'500, 'y')}}), true) + headers(7, get(), true));
  world.settle();
  EXPECT_EQ(inWords(client.received),
            "RST 1 PROTOCOL_ERROR, RST 3 PROTOCOL_ERROR, RST 5 PROTOCOL_ERROR, HEADERS 7, DATA 7 (4) end");
  EXPECT_EQ(world.counter("http2.rx_messaging_error"), 1u);
  EXPECT_EQ(world.counter("http2.header_overflow"), 2u);
  EXPECT_EQ(world.counter("http.p.downstream_rq_total"), 4u);
  EXPECT_EQ(world.counter("http.p.downstream_rq_completed"), 4u);
  EXPECT_EQ(world.log.at(0), "0 bad_request");
  EXPECT_FALSE(client.ended);
}

// A client that cannot know the limit yet is told to come back; one that has confirmed it is not believed any more.
TEST(H2Abuse, StreamsAboveTheLimitAreRefused) {
  for (const bool confirmed : {false, true}) {
    ProxyWorld world([](ProxyWorld::Setup& setup) { setup.config->h2.max_concurrent_streams = 2; });
    RawClient& client = world.client();
    client.write(hello());
    world.settle();
    if (confirmed) client.write(frame(kSettingsFrame, 1, 0, ""));
    for (uint32_t i = 0; i < 3; ++i) client.write(headers(2 * i + 1, get(), true));
    world.settle();
    EXPECT_EQ(inWords(client.received), confirmed ? "GOAWAY 3 PROTOCOL_ERROR" : "RST 5 REFUSED_STREAM");
    EXPECT_EQ(world.gauge("http2.streams_active"), confirmed ? 0 : 2);
  }
}

TEST(H2Abuse, AHeadThatDoesNotEndInTimeEndsTheConnection) {
  ProxyWorld world;
  RawClient& client = world.client();
  client.write(hello() + headers(1, get(), true));
  world.settle();
  client.write(frame(kHeadersFrame, 0, 3, block(get())));
  world.upstream.simulation.runFor(absl::Milliseconds(9'800));
  EXPECT_FALSE(client.ended);
  world.upstream.simulation.runFor(absl::Milliseconds(400));
  EXPECT_TRUE(client.ended);
  EXPECT_TRUE(contains(inWords(client.received), "GOAWAY 3 NO_ERROR")) << inWords(client.received);
  EXPECT_EQ(world.counter("http.p.downstream_rq_header_timeout"), 1u);
  EXPECT_EQ(world.counter("http.p.downstream_cx_protocol_error"), 0u);
  EXPECT_EQ(world.log, std::vector<std::string>{"0 request_header_timeout GET /"});
}

TEST(H2Abuse, WhatAClosedWindowHoldsBackIsDroppedInTheEnd) {
  ProxyWorld world(answerDirectly);
  RawClient& client = world.client();
  client.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + settings({{4, 0}}));
  for (uint32_t i = 0; i < 50; ++i) client.write(headers(2 * i + 1, get(), true));
  world.settle();
  EXPECT_EQ(world.counter("http.p.downstream_rq_2xx"), 50u);
  EXPECT_FALSE(contains(inWords(client.received), "DATA"));
  world.upstream.simulation.runFor(absl::Seconds(50));
  // Younger than the others: it has its own time.
  client.write(headers(101, get(), true));
  world.upstream.simulation.runFor(absl::Seconds(71));
  EXPECT_TRUE(contains(inWords(client.received), "RST 1 CANCEL"));
  EXPECT_TRUE(contains(inWords(client.received), "RST 99 CANCEL"));
  EXPECT_EQ(world.counter("http2.tx_flush_timeout"), 1u);
  client.received.clear();
  client.write(headers(103, get(), true) + window(103, 100));
  world.settle();
  EXPECT_TRUE(contains(inWords(client.received), "DATA 103 (4) end")) << inWords(client.received);
}

TEST(H2Abuse, AClientThatReadsNothingIsClosedInTheEnd) {
  for (const bool h2 : {false, true}) {
    ProxyWorld world([](ProxyWorld::Setup& setup) {
      setup.route->action = DirectAction{200, std::string(2'000'000, 'b')};
      setup.config->max_requests_per_connection = 1;
    });
    world.clients.push_back(std::make_unique<RawClient>(world.client_worker, world.address(), 1024));
    RawClient& client = *world.clients.back();
    client.pauseReading(true);
    world.settle();
    client.write(h2 ? hello() + window(0, 0x10000000) + headers(1, get(), true) + window(1, 0x10000000)
                    : std::string(kGet));
    world.upstream.simulation.runFor(absl::Seconds(6 * 60 + 130));
    EXPECT_EQ(world.listener->connections(), 0u) << h2;
    EXPECT_EQ(world.upstream.worker().blocks.inUse(), 0u) << h2;
  }
}

}  // namespace
}  // namespace weir::proxy
