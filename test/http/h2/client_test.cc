// What a client takes for a response, and what becomes of its streams when the server resets, leaves or lies: raw
// frames, T4, T20 to T35 upstream.
#include <string>

#include "gtest/gtest.h"
#include "test/http/h2/frames.h"
#include "test/http/h2/peer.h"

namespace weir::http::h2 {
namespace {

struct Outcome {
  std::string log;
  std::string wrote;
  bool unprocessed = false;
  Reason error = Reason::kNone;
};

Outcome answer(const std::string& bytes, std::string_view method = "GET") {
  Peer client(Role::kClient);
  client.open().request(method, "/");
  client.output();
  client.feed(settings() + bytes);
  Outcome outcome;
  outcome.wrote = inWords(client.output());
  client.pump();
  outcome.log = client.call(0).log();
  outcome.unprocessed = client.call(0).stream().unprocessed();
  outcome.error = client.codec().error();
  return outcome;
}

TEST(H2Client, TakesWhatIsWellFormed) {
  EXPECT_EQ(answer(headers(1, ok({{"a", "b"}}), true)).log, "200 a=b\nend\n");
  EXPECT_EQ(answer(headers(1, ok(), false) + data(1, "x") + data(1, "y", true)).log, "200\ndata(xy)\nend\n");
  EXPECT_EQ(answer(headers(1, {{":status", "103"}, {"link", "x"}}, false) + headers(1, {{":status", "100"}}, false) +
                   headers(1, ok(), true))
                .log,
            "103 link=x\n100\n200\nend\n");
  EXPECT_EQ(answer(headers(1, ok(), false) + data(1, "x") + headers(1, {{"grpc-status", "0"}}, true)).log,
            "200\ndata(x)\nend grpc-status=0\n");
  EXPECT_EQ(answer(headers(1, ok({{"content-length", "9"}}), true), "HEAD").log, "200 length:9\nend\n");
  EXPECT_EQ(answer(headers(1, {{":status", "304"}, {"content-length", "9"}}, true)).log, "304 length:9\nend\n");
}

TEST(H2Client, ABadHeadIsAnErrorOfTheStream) {
  const FieldPairs rows[] = {
      {{":status", "20"}},
      {{":status", "2000"}},
      {{":status", "abc"}},
      {{":status", "099"}},
      {{":status", "101"}},
      {{":status", ""}},
      {{"a", "b"}},
      {{":status", "200"}, {":status", "200"}},
      {{"a", "b"}, {":status", "200"}},
      {{":status", "200"}, {":path", "/"}},
      {{":status", "200"}, {"Connection", "x"}},
      {{":status", "200"}, {"connection", "x"}},
      {{":status", "200"}, {"transfer-encoding", "chunked"}},
      {{":status", "200"}, {"x", "a\nb"}},
      {{":status", "200"}, {"x y", "a"}},
      {{":status", "200"}, {"content-length", "1"}, {"content-length", "1"}},
      {{":status", "200"}, {"content-length", "-1"}},
  };
  for (const FieldPairs& fields : rows) {
    const Outcome outcome = answer(headers(1, fields, false));
    EXPECT_EQ(outcome.log, "failed(upstream_protocol_error)\n") << fields[0].second;
    EXPECT_EQ(outcome.wrote, "RST 1 PROTOCOL_ERROR");
    EXPECT_EQ(outcome.error, Reason::kNone);
    EXPECT_FALSE(outcome.unprocessed);
  }
  EXPECT_EQ(answer(headers(1, ok(FieldPairs(99, {"a", "b"})), true)).log.substr(0, 3), "200");
  EXPECT_EQ(answer(headers(1, ok(FieldPairs(100, {"a", "b"})), true)).log, "failed(upstream_headers_too_large)\n");
  EXPECT_EQ(answer(headers(1, {{":status", "100"}}, true)).log, "failed(upstream_protocol_error)\n");
}

TEST(H2Client, AWrongLengthIsNeverAWholeResponse) {
  const std::string head = headers(1, ok({{"content-length", "3"}}), false);
  const std::string failed = "200 length:3\nfailed(upstream_protocol_error)\n";
  EXPECT_EQ(answer(head + data(1, "abc", true)).log, "200 length:3\ndata(abc)\nend\n");
  EXPECT_EQ(answer(head + data(1, "ab", true)).log, failed);
  EXPECT_EQ(answer(head + data(1, "abcd")).log, failed);
  EXPECT_EQ(answer(head + headers(1, {{"t", "v"}}, true)).log, failed);
  EXPECT_EQ(answer(headers(1, ok({{"content-length", "3"}}), true)).log, "failed(upstream_protocol_error)\n");
  EXPECT_EQ(answer(headers(1, ok(), false) + data(1, "x"), "HEAD").log, "200\nfailed(upstream_protocol_error)\n");
  EXPECT_EQ(answer(headers(1, {{":status", "204"}}, false) + data(1, "x")).log,
            "204\nfailed(upstream_protocol_error)\n");
  EXPECT_EQ(answer(data(1, "x")).log, "failed(upstream_protocol_error)\n") << "DATA before the head";
}

TEST(H2Client, ResetsSayWhetherTheRequestWasLookedAt) {
  Outcome outcome = answer(rst(1, 7));
  EXPECT_EQ(outcome.log, "failed(upstream_reset)\n");
  EXPECT_TRUE(outcome.unprocessed);
  outcome = answer(rst(1, 8));
  EXPECT_EQ(outcome.log, "failed(upstream_reset)\n");
  EXPECT_FALSE(outcome.unprocessed);
  outcome = answer(headers(1, ok(), false) + data(1, "x") + rst(1, 7));
  EXPECT_EQ(outcome.log, "200\ndata(x)\nfailed(upstream_truncated)\n");
  EXPECT_FALSE(outcome.unprocessed);
}

TEST(H2Client, AnEarlyAnswerIsWholeThoughTheRequestIsNot) {
  Peer client(Role::kClient);
  Call& call = client.open();
  call.send(call.newRequest("POST", "/"));
  call.sendData("abc");
  client.output();
  client.feed(settings() + headers(1, {{":status", "413"}}, true) + rst(1, 0));
  EXPECT_EQ(call.log(), "413\nend\n");
  EXPECT_GT(call.stream().room(), 0u) << "whoever sends may go on until the answer was seen";
  call.sendData("def");
  call.sendEnd();
  call.release();
  EXPECT_EQ(inWords(client.output()), "");
  EXPECT_TRUE(client.codec().reusable());
}

// T28: GOAWAY in each state of a stream.
TEST(H2Client, GoawayLetsFinishWhatItNames) {
  for (int state = 0; state < 5; ++state) {
    Peer client(Role::kClient);
    client.open();
    client.open();
    client.call(0).request("GET", "/1");
    if (state != 0) client.output();
    if (state > 1) client.call(1).request("GET", "/2");
    if (state > 2) client.output();
    client.feed(settings());
    if (state > 3) client.feed(headers(1, ok(), false));
    client.feed(goaway(1, 0));
    client.output();
    EXPECT_FALSE(client.codec().canOpen());
    EXPECT_FALSE(client.codec().finished());
    if (state == 1) client.call(1).request("GET", "/2");
    client.output();
    client.pump();
    if (state > 0) {
      EXPECT_TRUE(client.call(1).stream().unprocessed()) << state;
      EXPECT_EQ(client.call(1).log(), "failed(upstream_reset)\n") << state;
      if (state < 4) client.feed(headers(1, ok(), false));
      client.feed(data(1, "x", true));
      EXPECT_EQ(client.call(0).log(), "200\ndata(x)\nend\n") << state;
    }
    client.call(0).release();
    client.call(1).release();
    EXPECT_TRUE(client.codec().finished());
    EXPECT_FALSE(client.codec().reusable());
  }
}

TEST(H2Client, TheFirstStepOfADrainEndsNothing) {
  Peer client(Role::kClient);
  client.open().request("GET", "/");
  client.output();
  client.feed(settings() + goaway(0x7fffffff, 0));
  EXPECT_FALSE(client.codec().canOpen());
  client.feed(headers(1, ok(), true));
  EXPECT_EQ(client.call(0).log(), "200\nend\n");
  client.call(0).release();
  EXPECT_TRUE(client.codec().finished());
}

TEST(H2Client, OpensAsManyAsTheServerAllows) {
  Peer client(Role::kClient);
  EXPECT_EQ(client.codec().availableStreams(), 100u);
  client.feed(settings({{3, 2}}));
  EXPECT_EQ(client.codec().availableStreams(), 2u);
  client.open().request("GET", "/");
  client.open().request("GET", "/");
  EXPECT_FALSE(client.codec().canOpen());
  client.output();
  client.feed(headers(1, ok(), true));
  EXPECT_EQ(client.codec().availableStreams(), 1u);
  client.call(0).release();
  client.call(1).release();
  EXPECT_EQ(inWords(client.output()), "RST 3 CANCEL");
  EXPECT_EQ(client.codec().availableStreams(), 2u);
  client.feed(settings({{3, 0}}));
  EXPECT_FALSE(client.codec().canOpen());
}

TEST(H2Client, TheEndOfTheConnectionFailsWhatIsOpen) {
  Peer client(Role::kClient);
  client.open().request("GET", "/1");
  client.open().request("GET", "/2");
  client.open().request("GET", "/3");
  client.output();
  client.feed(settings() + headers(1, ok(), true) + headers(3, ok(), false), true);
  EXPECT_EQ(client.call(0).log(), "200\nend\n");
  EXPECT_EQ(client.call(1).log(), "200\nfailed(upstream_truncated)\n");
  EXPECT_EQ(client.call(2).log(), "failed(upstream_reset)\n");
  EXPECT_TRUE(client.codec().finished());
}

// T29, T32: nonsense ends the connection with GOAWAY, and nothing behind it is looked at.
TEST(H2Client, FramesThatAreWrongEndTheConnection) {
  const std::string rows[] = {
      frame(kDataFrame, 0, 0, "x"),
      frame(kHeadersFrame, kEndsHeaders, 0, block(ok())),
      frame(kHeadersFrame, kEndsHeaders, 2, block(ok())),
      frame(kHeadersFrame, kEndsHeaders, 1, "\xff\xff\xff\xff\xff\xff\xff"),
      frame(kSettingsFrame, 0, 0, "12345"),
      frame(kSettingsFrame, 0, 1, ""),
      frame(kPingFrame, 0, 0, "1234567"),
      frame(kRstFrame, 0, 0, number(0)),
      frame(kRstFrame, 0, 1, "123"),
      frame(kGoawayFrame, 0, 0, "123"),
      frame(kPushFrame, kEndsHeaders, 1, number(2) + block(get())),
      frame(kContinuationFrame, kEndsHeaders, 1, block(ok())),
      frame(kDataFrame, 0x8, 1,
            "\x05"
            "abc"),
      std::string("\x00\x40\x01\x00\x00\x00\x00\x00\x01", 9) + std::string(16385, 'x'),
      window(0, 0x7fffffff),
  };
  for (const std::string& row : rows) {
    const Outcome outcome = answer(row + headers(1, ok(), true));
    EXPECT_EQ(outcome.log, "failed(upstream_protocol_error)\n") << static_cast<int>(row[3]);
    EXPECT_EQ(outcome.wrote.substr(0, 8), "GOAWAY 0") << static_cast<int>(row[3]) << outcome.wrote;
  }
}

TEST(H2Client, EveryTypeAtEveryShortLengthIsSurvived) {
  for (unsigned type = 0; type < 12; ++type) {
    for (size_t size = 0; size <= 16; ++size) {
      for (const uint8_t flags : {0, 1, 4, 5, 8, 0x20, 0x28, 0xff}) {
        for (const uint32_t stream : {0u, 1u, 2u, 3u}) {
          for (const Role role : {Role::kClient, Role::kServer}) {
            Peer peer(role);
            if (role == Role::kClient) peer.open().request("GET", "/");
            peer.feed(role == Role::kClient ? settings() : hello() + headers(1, post(), false));
            peer.feed(frame(static_cast<uint8_t>(type), flags, stream, std::string(size, '\1')));
            peer.feed(ping() + frame(static_cast<uint8_t>(type), flags, stream, std::string(size, '\0')));
            peer.output();
          }
        }
      }
    }
  }
}

TEST(H2Client, PingsAreAnswered) {
  Peer client(Role::kClient);
  client.codec().ping();
  EXPECT_TRUE(client.codec().pingPending());
  std::string payload;
  for (const SeenFrame& f : parse(client.output())) {
    if (f.type == kPingFrame) payload = f.payload;
  }
  client.feed(settings() + frame(kPingFrame, kEnds, 0, "otherone"));
  EXPECT_TRUE(client.codec().pingPending());
  client.feed(frame(kPingFrame, kEnds, 0, payload));
  EXPECT_FALSE(client.codec().pingPending());
}

// T35
TEST(H2Client, AHeadAtTheLimitIsWrittenInSeveralFrames) {
  Peer client(Role::kClient);
  Call& call = client.open();
  Head& head = call.newRequest("GET", "/");
  for (int i = 0; i < 95; ++i)
    head.headers.add("x-" + std::to_string(i), std::string(570, static_cast<char>('!' + i % 90)));
  call.send(head);
  call.sendEnd();
  Peer server(Role::kServer);
  server.feed(client.output());
  ASSERT_EQ(server.calls().size(), 1u);
  EXPECT_NE(server.call(0).log().find("x-94="), std::string::npos);
}

TEST(H2Client, AHeadThatIsNotValidIsNotSent) {
  const auto send = [](auto&& spoil) {
    Peer client(Role::kClient);
    Call& call = client.open();
    Head& head = call.newRequest("GET", "/");
    spoil(head);
    call.send(head);
    call.sendEnd();
    client.pump();
    EXPECT_EQ(inWords(client.output()).find("HEADERS"), std::string::npos);
    return call.log();
  };
  EXPECT_EQ(send([](Head& h) { h.method = "G T"; }), "failed(bad_request)\n");
  EXPECT_EQ(send([](Head& h) { h.path = "/a b"; }), "failed(bad_request)\n");
  EXPECT_EQ(send([](Head& h) { h.authority = "a,b"; }), "failed(bad_request)\n");
  EXPECT_EQ(send([](Head& h) { h.headers.add("x", "a\r\nb"); }), "failed(bad_request)\n");
  EXPECT_EQ(send([](Head& h) { h.headers.add("x y", "a"); }), "failed(bad_request)\n");
  EXPECT_EQ(send([](Head& h) { h.content_length = 1; }), "failed(bad_request)\n") << "End without the byte";
}

}  // namespace
}  // namespace weir::http::h2
