// Which error each rule of RFC 9113 gives, and what flow control and HPACK come to when streams end out of turn.
#include <algorithm>
#include <string>

#include "gtest/gtest.h"
#include "test/http/h2/frames.h"
#include "test/http/h2/peer.h"

namespace weir::http::h2 {
namespace {

struct Row {
  const char* rule;
  std::string bytes;
  const char* answer;
};

std::string text(std::string_view bytes) { return std::string(bytes); }
std::string tooLarge() { return std::string("\x00\x40\x01\x00\x00\x00\x00\x00\x01", 9) + std::string(16385, 'x'); }
std::string padded(uint8_t type, uint32_t stream, std::string_view payload) {
  return frame(type, 0x8 | kEndsHeaders, stream, payload);
}

// Stream 1 is open, stream 3 has ended and waits for its answer.
std::string before() { return headers(1, post(), false) + headers(3, get(), true); }

TEST(H2Framing, ErrorsOfAConnectionSayWhatIsWrong) {
  const Row rows[] = {
      {"4.2", tooLarge(), "FRAME_SIZE_ERROR"},
      {"4.3", frame(kHeadersFrame, kEndsHeaders, 5, "\x82\xff\xff\xff\xff\xff\xff\x0f"), "COMPRESSION_ERROR"},
      {"4.3", frame(kHeadersFrame, kEndsHeaders, 5, text("\x82\x40")), "COMPRESSION_ERROR"},
      {"5.1", data(5, "x"), "PROTOCOL_ERROR"},
      {"5.1", rst(5, 8), "PROTOCOL_ERROR"},
      {"5.1", window(5, 1), "PROTOCOL_ERROR"},
      {"5.1.1", frame(kHeadersFrame, kEndsHeaders, 6, block(get())), "PROTOCOL_ERROR"},
      {"6.1", frame(kDataFrame, 0, 0, "x"), "PROTOCOL_ERROR"},
      {"6.1", padded(kDataFrame, 1, "\x03xx"), "PROTOCOL_ERROR"},
      {"6.1", padded(kDataFrame, 1, ""), "FRAME_SIZE_ERROR"},
      {"6.2", frame(kHeadersFrame, kEndsHeaders, 0, block(get())), "PROTOCOL_ERROR"},
      {"6.2", padded(kHeadersFrame, 5, "\x7f\x82"), "PROTOCOL_ERROR"},
      {"6.2", frame(kHeadersFrame, kEndsHeaders | 0x20, 5, "abcd"), "FRAME_SIZE_ERROR"},
      {"6.3", frame(kPriorityFrame, 0, 0, number(0) + "x"), "PROTOCOL_ERROR"},
      {"6.4", frame(kRstFrame, 0, 0, number(0)), "PROTOCOL_ERROR"},
      {"6.4", frame(kRstFrame, 0, 1, "abc"), "FRAME_SIZE_ERROR"},
      {"6.5", frame(kSettingsFrame, 0, 0, "12345"), "FRAME_SIZE_ERROR"},
      {"6.5", frame(kSettingsFrame, 0, 1, ""), "PROTOCOL_ERROR"},
      {"6.5", frame(kSettingsFrame, kEnds, 0, "123456"), "FRAME_SIZE_ERROR"},
      {"6.5", frame(kSettingsFrame, kEnds, 0, "") + frame(kSettingsFrame, kEnds, 0, ""), "PROTOCOL_ERROR"},
      {"6.5.2", settings({{2, 2}}), "PROTOCOL_ERROR"},
      {"6.5.2", settings({{4, 0x80000000}}), "FLOW_CONTROL_ERROR"},
      {"6.5.2", settings({{5, 16383}}), "PROTOCOL_ERROR"},
      {"6.5.2", settings({{5, 1 << 24}}), "PROTOCOL_ERROR"},
      {"8441", settings({{8, 2}}), "PROTOCOL_ERROR"},
      {"8441", settings({{8, 1}, {8, 0}}), "PROTOCOL_ERROR"},
      {"6.6", frame(kPushFrame, kEndsHeaders, 1, number(2) + block(get())), "PROTOCOL_ERROR"},
      {"6.7", frame(kPingFrame, 0, 0, "1234567"), "FRAME_SIZE_ERROR"},
      {"6.7", frame(kPingFrame, 0, 1, "12345678"), "PROTOCOL_ERROR"},
      {"6.8", frame(kGoawayFrame, 0, 1, number(0) + number(0)), "PROTOCOL_ERROR"},
      {"6.8", frame(kGoawayFrame, 0, 0, "1234567"), "FRAME_SIZE_ERROR"},
      {"6.9", frame(kWindowFrame, 0, 0, "123"), "FRAME_SIZE_ERROR"},
      {"6.9", window(0, 0), "PROTOCOL_ERROR"},
      {"6.9.1", window(0, 0x7fffffff), "FLOW_CONTROL_ERROR"},
      {"6.9.2", window(1, 0x7fffffff - 65535) + settings({{4, 65536}}), "FLOW_CONTROL_ERROR"},
      {"6.10", frame(kContinuationFrame, kEndsHeaders, 1, "\x82"), "PROTOCOL_ERROR"},
      {"6.10", frame(kHeadersFrame, 0, 5, block(get())) + data(1, "x"), "PROTOCOL_ERROR"},
      {"6.10", frame(kHeadersFrame, 0, 5, block(get())) + frame(kContinuationFrame, kEndsHeaders, 7, ""),
       "PROTOCOL_ERROR"},
  };
  for (const Row& row : rows) {
    Peer server(Role::kServer);
    server.pull = false;
    server.feed(hello() + before());
    ASSERT_EQ(inWords(server.output()), "");
    server.feed(row.bytes);
    const std::string wrote = inWords(server.output());
    EXPECT_EQ(wrote.substr(0, 7), "GOAWAY ") << row.rule << ": " << wrote;
    EXPECT_NE(wrote.find(row.answer), std::string::npos) << row.rule << ": " << wrote;
    EXPECT_EQ(server.codec().error(), Reason::kH2Protocol) << row.rule;
    EXPECT_TRUE(server.codec().finished());
  }
}

TEST(H2Framing, AConnectionBeginsWithItsPreface) {
  for (const std::string& bytes :
       {text("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\r") + settings(), text("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") + ping(),
        text("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") + frame(kSettingsFrame, kEnds, 0, "")}) {
    Peer server(Role::kServer);
    server.feed(bytes);
    EXPECT_EQ(inWords(server.output()), "GOAWAY 0 PROTOCOL_ERROR");
  }
  Peer client(Role::kClient);
  client.feed(ping());
  EXPECT_EQ(inWords(client.output()), "GOAWAY 0 PROTOCOL_ERROR");
}

TEST(H2Framing, ErrorsOfAStreamLeaveTheOthersAlone) {
  const Row rows[] = {
      {"5.1", data(3, "x"), "RST 3 STREAM_CLOSED"},
      {"5.1", headers(3, {{"a", "b"}}, true), "RST 3 STREAM_CLOSED"},
      {"6.3", frame(kPriorityFrame, 0, 1, "1234"), "RST 1 FRAME_SIZE_ERROR"},
      {"6.9.1", window(1, 0x7fffffff), "RST 1 FLOW_CONTROL_ERROR"},
      {"8.1", headers(1, {{"a", "b"}}, false), "RST 1 PROTOCOL_ERROR"},
  };
  for (const Row& row : rows) {
    Peer server(Role::kServer);
    server.pull = false;
    server.feed(hello() + before() + row.bytes + headers(5, get(), true));
    EXPECT_EQ(inWords(server.output()), row.answer) << row.rule;
    EXPECT_EQ(server.calls().size(), 3u);
    EXPECT_EQ(server.codec().error(), Reason::kNone);
  }
}

TEST(H2Framing, WhatComesForAStreamThatIsOverIsDropped) {
  Peer server(Role::kServer);
  server.on_end = [](Call& call) { call.release(); };
  server.feed(hello() + headers(1, post(), false));
  server.call(0).release();
  EXPECT_EQ(inWords(server.output()), "RST 1 INTERNAL_ERROR");
  // Its DATA counts for the connection, and is given back.
  size_t given = 0;
  for (int i = 0; i < 1000; ++i) {
    server.feed(data(1, std::string(16000, 'x')));
    for (const SeenFrame& f : parse(server.output())) {
      if (f.type != kWindowFrame) continue;
      EXPECT_EQ(f.stream, 0u);
      for (size_t k = 0, by = 0; k < 4; ++k) {
        by = by << 8 | static_cast<unsigned char>(f.payload[k]);
        if (k == 3) given += by;
      }
    }
  }
  EXPECT_GT(given, 15'000'000u);
  server.feed(window(1, 5) + headers(1, {{"a", "b"}}, true) + rst(1, 8));
  EXPECT_EQ(server.codec().error(), Reason::kNone);
  EXPECT_EQ(inWords(server.output()), "");
}

TEST(H2Framing, AnUpstreamThatBreaksTheRulesFailsAllItsStreamsForThat) {
  Peer client(Role::kClient);
  client.open().request("GET", "/1");
  client.open().request("GET", "/2");
  client.output();
  client.feed(settings() + headers(1, ok(), false));
  client.feed(data(7, "x"));
  EXPECT_EQ(inWords(client.output()), "GOAWAY 0 PROTOCOL_ERROR");
  for (const auto& call : client.calls()) EXPECT_EQ(call->failure(), Reason::kUpstreamProtocol);
}

TEST(H2Framing, AWindowMayBecomeNegative) {
  Peer server(Role::kServer);
  server.feed(hello() + headers(1, get(), true));
  Call& call = server.call(0);
  call.send(call.newResponse(200));
  call.sendData(std::string(60'000, 'x'));
  std::string wrote = inWords(server.output());
  EXPECT_NE(wrote.find("DATA 1"), std::string::npos);
  server.feed(settings({{4, 1000}}));  // 59,000 below
  call.sendData("more");
  EXPECT_EQ(inWords(server.output()), "");
  server.feed(window(1, 59'000));
  EXPECT_EQ(inWords(server.output()), "");
  server.feed(window(1, 3));
  EXPECT_EQ(inWords(server.output()), "DATA 1 (3)");
  server.feed(settings({{4, 65535}}));
  EXPECT_EQ(inWords(server.output()), "DATA 1 (1)");
}

TEST(H2Framing, AnEndNeedsNoWindow) {
  Peer server(Role::kServer);
  server.feed("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + settings({{4, 0}}) + headers(1, get(), true) +
              headers(3, get(), true));
  Call& waits = server.call(0);
  waits.respond(200, "body");
  Call& ends = server.call(1);
  ends.send(ends.newResponse(200));
  EXPECT_EQ(inWords(server.output()), "HEADERS 1, HEADERS 3");
  ends.sendEnd();
  EXPECT_EQ(inWords(server.output()), "DATA 3 (0) end");
  server.feed(window(1, 100));
  EXPECT_EQ(inWords(server.output()), "DATA 1 (4) end");
}

TEST(H2Framing, TheConnectionsWindowIsSharedInTurn) {
  Peer server(Role::kServer);
  server.feed("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + settings({{4, 0x7fffffff}}));
  for (uint32_t i = 0; i < 4; ++i) server.feed(headers(2 * i + 1, get(), true));
  for (const auto& call : server.calls()) {
    call->send(call->newResponse(200));
    call->sendData(std::string(40'000, 'x'));
  }
  server.output();
  EXPECT_EQ(inWords(server.output()), "") << "65,535 bytes were sent";
  server.feed(window(0, 3 * 16384));
  const std::string wrote = inWords(server.output());
  EXPECT_EQ(std::count(wrote.begin(), wrote.end(), 'D'), 3) << wrote;
  EXPECT_EQ(wrote.find("DATA 1"), wrote.rfind("DATA 1"));
}

// A refused section still fills the table that the next one refers to.
TEST(H2Framing, ARefusedSectionIsDecodedAllTheSame) {
  const std::string adds = block(get({{"Bad", "x"}})) + text("\x40\x03x-a\x03one");
  Peer server(Role::kServer);
  server.feed(hello() + frame(kHeadersFrame, kEnds | kEndsHeaders, 1, adds) +
              frame(kHeadersFrame, kEnds | kEndsHeaders, 3, block(get()) + "\xbe"));
  EXPECT_EQ(inWords(server.output()), "RST 1 PROTOCOL_ERROR");
  EXPECT_EQ(server.call(0).log(), "GET http://h/ x-a=one\nend\n");
}

TEST(H2Framing, PaddingIsTakenAndGivenBack) {
  Peer server(Role::kServer);
  server.feed(hello() + headers(1, post(), false));
  for (int i = 0; i < 1000; ++i) server.feed(padded(kDataFrame, 1, "\xff" + text("x") + std::string(255, '\0')));
  EXPECT_EQ(server.codec().error(), Reason::kNone);
  EXPECT_EQ(server.call(0).log(), "POST http://h/\ndata(" + std::string(1000, 'x'));
}

}  // namespace
}  // namespace weir::http::h2
