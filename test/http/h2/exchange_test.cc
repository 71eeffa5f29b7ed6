// Both roles of the codec against each other.
#include <string>

#include "gtest/gtest.h"
#include "source/http/h2/preface.h"
#include "test/http/h2/frames.h"
#include "test/http/h2/peer.h"

namespace weir::http::h2 {
namespace {

class H2Exchange : public testing::Test {
 protected:
  void answer(uint16_t status, std::string body) {
    server_.on_end = [status, body](Call& call) {
      call.respond(status, body);
      call.release();
    };
  }

  Peer client_{Role::kClient};
  Peer server_{Role::kServer};
};

TEST_F(H2Exchange, AGetAndItsAnswer) {
  answer(200, "hello");
  client_.open().request("GET", "/a?b");
  const auto [up, down] = settle(client_, server_);
  EXPECT_EQ(server_.call(0).log(), "GET http://h/a?b\nend\n");
  EXPECT_EQ(client_.call(0).log(), "200 length:5\ndata(hello)\nend\n");
  EXPECT_EQ(inWords(up), "HEADERS 1 end");
  EXPECT_EQ(inWords(down), "HEADERS 1, DATA 1 (5) end");
  client_.call(0).release();
  EXPECT_TRUE(client_.codec().reusable());
  EXPECT_EQ(server_.codec().streams(), 0u);
  EXPECT_EQ(server_.codec().unsentStreams(), 0u);
}

TEST_F(H2Exchange, ABodyBothWays) {
  const std::string big(300'000, 'x');
  answer(200, "y");
  Call& call = client_.open();
  Head& head = call.newRequest("POST", "/");
  call.send(head);
  size_t sent = 0;
  for (int i = 0; i < 1000 && sent < big.size(); ++i) {
    const size_t n = std::min(call.stream().room(), big.size() - sent);
    if (n > 0) call.sendData(std::string_view(big).substr(sent, n));
    sent += n;
    if (sent == big.size()) call.sendEnd();
    settle(client_, server_);
  }
  EXPECT_EQ(server_.call(0).log(), "POST http://h/\ndata(" + big + ")\nend\n");
  EXPECT_EQ(call.log(), "200 length:1\ndata(y)\nend\n");
}

TEST_F(H2Exchange, TrailersBothWays) {
  server_.on_end = [](Call& call) {
    call.send(call.newResponse(200));
    call.sendData("y");
    HeaderMap& trailers = call.newFields();
    trailers.add("grpc-status", "0");
    trailers.add("content-length", "5");  // has no place here
    call.sendEnd(&trailers);
    call.release();
  };
  Call& call = client_.open();
  call.send(call.newRequest("POST", "/"));
  call.sendData("x");
  HeaderMap& trailers = call.newFields();
  trailers.add("sum", "1");
  call.sendEnd(&trailers);
  const auto [up, down] = settle(client_, server_);
  EXPECT_EQ(server_.call(0).log(), "POST http://h/\ndata(x)\nend sum=1\n");
  EXPECT_EQ(call.log(), "200\ndata(y)\nend grpc-status=0\n");
  EXPECT_EQ(inWords(up), "HEADERS 1, DATA 1 (1), HEADERS 1 end");
  EXPECT_EQ(inWords(down), "HEADERS 1, DATA 1 (1), HEADERS 1 end");
}

TEST_F(H2Exchange, TrailersWithoutData) {
  server_.on_end = [](Call& call) {
    call.send(call.newResponse(200));
    HeaderMap& trailers = call.newFields();
    trailers.add("grpc-status", "12");
    call.sendEnd(&trailers);
    call.release();
  };
  client_.open().request("GET", "/");
  settle(client_, server_);
  EXPECT_EQ(client_.call(0).log(), "200\nend grpc-status=12\n");
}

TEST_F(H2Exchange, InterimHeadsComeFirst) {
  server_.on_end = [](Call& call) {
    Head& hints = call.newResponse(103);
    hints.headers.add("link", "</a>");
    call.send(hints);
    call.respond(200, "z");
    call.release();
  };
  client_.open().request("GET", "/");
  settle(client_, server_);
  EXPECT_EQ(client_.call(0).log(), "103 link=</a>\n200 length:1\ndata(z)\nend\n");
}

TEST_F(H2Exchange, NoBodyWhereThereIsNone) {
  answer(200, "body");
  client_.open().request("HEAD", "/");
  const auto [up, down] = settle(client_, server_);
  EXPECT_EQ(client_.call(0).log(), "200 length:4\nend\n");
  EXPECT_EQ(inWords(down), "HEADERS 1 end");
  answer(204, "");
  client_.open().request("GET", "/");
  settle(client_, server_);
  EXPECT_EQ(client_.call(1).log(), "204\nend\n");
}

TEST_F(H2Exchange, ManyStreamsTakeTurns) {
  std::string text(200'000, 'b');
  server_.on_end = [&text](Call& call) {
    call.send(call.newResponse(200));
    call.sendData(std::string_view(text).substr(0, call.stream().room()));
  };
  for (int i = 0; i < 8; ++i) client_.open().request("GET", "/");
  server_.feed(client_.output());
  std::string order;
  for (const SeenFrame& f : parse(server_.output())) {
    if (f.type == kDataFrame) order += std::to_string(f.stream);
  }
  // 64 KiB of output: each stream in turn, none twice before another.
  EXPECT_EQ(order.substr(0, 4), "1357");
}

TEST_F(H2Exchange, TheOutputIsNotFilledAboveItsLimit) {
  Peer server(Role::kServer, {}, 20'000);
  server.on_end = [](Call& call) {
    call.send(call.newResponse(200));
    call.sendData(std::string(call.stream().room(), 'c'));
    call.sendEnd();
    call.release();
  };
  client_.open().request("GET", "/");
  client_.open().request("GET", "/");
  server.feed(client_.output());
  for (int i = 0; i < 4; ++i) {
    const std::string out = server.output();
    EXPECT_LE(out.size(), 20'000u + 16'393u);
    EXPECT_GT(out.size(), 0u);
    client_.feed(out);
  }
}

TEST_F(H2Exchange, AReaderThatDoesNotReadStopsTheSender) {
  server_.pull = false;
  Call& call = client_.open();
  call.send(call.newRequest("POST", "/"));
  size_t sent = 0;
  for (int i = 0; i < 100; ++i) {
    const std::string piece(call.stream().room(), 'd');
    sent += piece.size();
    if (!piece.empty()) call.sendData(piece);
    settle(client_, server_);
  }
  // The window of the stream, and what waits for it.
  EXPECT_EQ(sent, 2u * 64 * 1024);
  server_.call(0).pull = true;
  settle(client_, server_);
  settle(client_, server_);
  EXPECT_EQ(call.stream().room(), 64u * 1024);
}

TEST_F(H2Exchange, AResetReachesTheOtherSide) {
  Call& call = client_.open();
  call.send(call.newRequest("POST", "/"));
  settle(client_, server_);
  call.stream().reset(Reason::kClientGone);
  call.release();
  const auto [up, down] = settle(client_, server_);
  EXPECT_EQ(inWords(up), "RST 1 CANCEL");
  EXPECT_EQ(server_.call(0).log(), "POST http://h/\nfailed(client_gone)\n");
  EXPECT_EQ(server_.call(0).stream().lost(), Reason::kClientGone);
  server_.call(0).release();

  client_.open().request("GET", "/");
  settle(client_, server_);
  server_.call(1).stream().reset(Reason::kFilterFailed);
  server_.call(1).release();
  EXPECT_EQ(inWords(settle(client_, server_).second), "RST 3 INTERNAL_ERROR");
  EXPECT_EQ(client_.call(1).log(), "failed(upstream_reset)\n");
}

TEST_F(H2Exchange, AnEarlyAnswerStopsTheRequest) {
  Call& call = client_.open();
  call.send(call.newRequest("POST", "/"));
  call.sendData("abc");
  settle(client_, server_);
  server_.call(0).respond(413, "no");
  server_.call(0).release();
  EXPECT_EQ(inWords(settle(client_, server_).second), "HEADERS 1, DATA 1 (2) end, RST 1 NO_ERROR");
  EXPECT_EQ(call.log(), "413 length:2\ndata(no)\nend\n");
}

TEST_F(H2Exchange, AResponseThatBreaksOffIsNotWhole) {
  server_.on_end = [](Call& call) {
    Head& head = call.newResponse(200);
    head.content_length = 5;
    call.send(head);
    call.sendData("abc");
    call.release();
  };
  client_.open().request("GET", "/");
  settle(client_, server_);
  EXPECT_TRUE(client_.call(0).failure() == Reason::kUpstreamTruncated ||
              client_.call(0).failure() == Reason::kUpstreamReset);
}

TEST_F(H2Exchange, DrainsInTwoSteps) {
  answer(200, "x");
  client_.open().request("GET", "/1");
  settle(client_, server_);
  server_.codec().drain();
  const std::string first = server_.output();
  EXPECT_EQ(inWords(first), "GOAWAY 2147483647 NO_ERROR, PING");
  // A request that was on its way is served.
  client_.open().request("GET", "/2");
  server_.feed(client_.output());
  EXPECT_FALSE(server_.codec().finished());
  client_.feed(first);
  EXPECT_FALSE(client_.codec().canOpen());
  EXPECT_EQ(inWords(settle(client_, server_).second), "HEADERS 3, GOAWAY 3 NO_ERROR, DATA 3 (1) end");
  EXPECT_EQ(client_.call(1).log(), "200 length:1\ndata(x)\nend\n");
  EXPECT_TRUE(server_.codec().finished());
  EXPECT_EQ(server_.codec().error(), Reason::kNone);
}

TEST_F(H2Exchange, TheSecondStepOfADrainCanBeForced) {
  answer(200, "x");
  client_.open().request("GET", "/1");
  settle(client_, server_);
  server_.codec().drain();
  server_.codec().drain();
  EXPECT_EQ(inWords(server_.output()), "GOAWAY 2147483647 NO_ERROR, GOAWAY 1 NO_ERROR");
  EXPECT_TRUE(server_.codec().finished());
}

TEST_F(H2Exchange, WhatWaitsForTheWindowIsSentAfterItsExchangeIsOver) {
  const std::string body(60'000, 'e');
  answer(200, body);
  client_.open().request("GET", "/");
  client_.open().request("GET", "/");
  settle(client_, server_);
  EXPECT_EQ(server_.codec().streams(), 0u);
  EXPECT_EQ(client_.call(0).log(), "200 length:60000\ndata(" + body + ")\nend\n");
  EXPECT_EQ(client_.call(1).log(), "200 length:60000\ndata(" + body + ")\nend\n");
}

TEST_F(H2Exchange, AStreamThatIsDroppedAtOnceIsReset) {
  server_.drop = true;
  client_.open().request("GET", "/");
  EXPECT_EQ(inWords(settle(client_, server_).second), "RST 1 INTERNAL_ERROR");
}

class H2Tunnel : public testing::Test {
 protected:
  static H2Options allowing() {
    H2Options options;
    options.allow_connect = true;
    return options;
  }
  Call& upgrade() {
    Call& call = client_.open();
    Head& head = call.newRequest("GET", "/chat");
    head.upgrade = "websocket";
    head.headers.add("sec-websocket-version", "13");
    call.send(head);
    return call;
  }

  Peer client_{Role::kClient};
  Peer server_{Role::kServer, allowing()};
};

TEST_F(H2Tunnel, AnUpgradeIsAnExtendedConnectOnTheWire) {
  Call& call = upgrade();
  // It waits for the server's SETTINGS, which say whether there is such a thing.
  const std::string first = client_.output();
  EXPECT_EQ(inWords(first), "");
  server_.feed(first);
  settle(client_, server_);
  ASSERT_EQ(server_.calls().size(), 1u);
  Call& there = server_.call(0);
  EXPECT_EQ(there.log(), "GET http://h/chat upgrade:websocket sec-websocket-version=13\n");
  Head& switches = there.newResponse(101);
  switches.upgrade = "websocket";
  there.send(switches);
  there.sendData("to client");
  settle(client_, server_);
  EXPECT_EQ(call.log(), "101 upgrade:websocket\ndata(to client");
  call.sendData("to server");
  call.sendEnd();
  settle(client_, server_);
  EXPECT_EQ(there.log(), "GET http://h/chat upgrade:websocket sec-websocket-version=13\ndata(to server)\nend\n");
  there.sendEnd();
  settle(client_, server_);
  EXPECT_TRUE(call.ended());
  EXPECT_EQ(call.failure(), Reason::kNone);
}

TEST_F(H2Tunnel, NothingPassesBeforeItIsOpenNorWhenItIsRefused) {
  const std::string early = headers(1, {{":method", "CONNECT"}, {":authority", "h:1"}}, false) + data(1, "early");
  Peer server(Role::kServer);
  server.feed(hello() + early);
  EXPECT_EQ(server.call(0).log(), "CONNECT ://h:1\n");
  server.call(0).respond(403, "no");
  server.pump();
  EXPECT_EQ(server.call(0).log(), "CONNECT ://h:1\nend\n");
  server.call(0).release();
  EXPECT_EQ(inWords(server.output()), "HEADERS 1, DATA 1 (2) end, RST 1 NO_ERROR");

  Peer other(Role::kServer);
  other.feed(hello() + early);
  other.call(0).send(other.call(0).newResponse(200));
  other.pump();
  EXPECT_EQ(other.call(0).log(), "CONNECT ://h:1\ndata(early");
}

TEST_F(H2Tunnel, ASuccessThatIsNotASwitchIsNoTunnel) {
  Call& call = upgrade();
  settle(client_, server_);
  server_.call(0).respond(200, "plain");
  server_.call(0).release();
  settle(client_, server_);
  EXPECT_EQ(call.log(), "502 length:5\ndata(plain)\nend\n");
}

TEST_F(H2Tunnel, WithoutExtendedConnectTheUpgradeFails) {
  Peer plain(Role::kServer);
  Call& call = upgrade();
  settle(client_, plain);
  EXPECT_EQ(call.log(), "failed(upstream_no_tunnel)\n");
  EXPECT_TRUE(plain.calls().empty());
  // And a client that asks nevertheless is refused.
  Peer server(Role::kServer);
  server.feed(hello() + headers(1,
                                {{":method", "CONNECT"},
                                 {":protocol", "websocket"},
                                 {":scheme", "http"},
                                 {":path", "/"},
                                 {":authority", "h"}},
                                false));
  EXPECT_EQ(inWords(server.output()), "RST 1 PROTOCOL_ERROR");
}

TEST(H2Preface, TellsHttp2FromTheRest) {
  buffer::BlockPool blocks;
  for (size_t n = 0; n <= kPreface.size(); ++n) {
    buffer::Buffer in(blocks);
    in.append(kPreface.substr(0, n));
    EXPECT_EQ(matchPreface(in), n < kPreface.size() ? PrefaceMatch::kMoreNeeded : PrefaceMatch::kYes);
    if (n == 0) continue;
    in.clear();
    in.append(kPreface.substr(0, n - 1));
    in.append("~");
    EXPECT_EQ(matchPreface(in), PrefaceMatch::kNo) << n;
  }
}

}  // namespace
}  // namespace weir::http::h2
