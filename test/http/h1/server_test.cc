// How the server role answers: framing of responses, when the connection stays, tunnels (T6), unread bodies (T7) and
// 100-continue (T9).
#include <string>

#include "gtest/gtest.h"
#include "test/http/h1/peer.h"

namespace weir::http::h1 {
namespace {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

class H1ServerTest : public testing::Test {
 protected:
  H1Options options_{.accept_http_10 = true};
  Peer peer_{Role::kServer, options_};
};

TEST_F(H1ServerTest, FramesByLengthWhenItIsDeclared) {
  peer_.feed(kGet);
  Head& head = peer_.newResponse(200);
  head.content_length = 3;
  head.headers.add("x", "1");
  head.headers.add("x", "2");
  peer_.send(head);
  EXPECT_EQ(peer_.output(), "HTTP/1.1 200 OK\r\nx: 1\r\nx: 2\r\ncontent-length: 3\r\n\r\n");
  peer_.sendData("abc");
  peer_.sendEnd();
  EXPECT_EQ(peer_.output(), "abc");
  peer_.releaseStream();
  EXPECT_FALSE(peer_.codec().finished());
  EXPECT_EQ(peer_.stream_ends(), 1u);
}

TEST_F(H1ServerTest, ChunksWhenDataComesFirst) {
  peer_.feed(kGet);
  peer_.send(peer_.newResponse(200));
  peer_.sendData("hello");
  peer_.sendData("");
  peer_.sendData(std::string(16, 'x'));
  HeaderMap& trailers = peer_.newHead().headers;
  trailers.add("x-sum", "1");
  trailers.add("content-length", "7");
  peer_.sendEnd(&trailers);
  EXPECT_EQ(peer_.output(),
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n10\r\nxxxxxxxxxxxxxxxx\r\n"
            "0\r\nx-sum: 1\r\n\r\n");
}

TEST_F(H1ServerTest, StatesLengthZeroWhenEndComesFirst) {
  peer_.feed(kGet);
  peer_.send(peer_.newResponse(404));
  peer_.sendEnd();
  EXPECT_EQ(peer_.output(), "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
}

TEST_F(H1ServerTest, CommitsAnOpenHeadBeforeAFlush) {
  peer_.feed(kGet);
  peer_.send(peer_.newResponse(200));
  EXPECT_EQ(peer_.output(), "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
  peer_.sendEnd();
  EXPECT_EQ(peer_.output(), "0\r\n\r\n");
}

TEST_F(H1ServerTest, WritesNoBodyWhereThereIsNone) {
  for (const auto& [request, status, length, expected] : {
           std::tuple{"HEAD", 200, 5, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"},
           {"HEAD", 200, -1, "HTTP/1.1 200 OK\r\n\r\n"},
           {"GET", 304, 5, "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n"},
           {"GET", 304, -1, "HTTP/1.1 304 Not Modified\r\n\r\n"},
           {"GET", 204, 5, "HTTP/1.1 204 No Content\r\n\r\n"},
       }) {
    Peer peer(Role::kServer, options_);
    peer.feed(std::string(request) + " / HTTP/1.1\r\nHost: h\r\n\r\n");
    Head& head = peer.newResponse(static_cast<uint16_t>(status));
    if (length >= 0) head.content_length = static_cast<uint64_t>(length);
    peer.send(head);
    peer.sendData("dropped");
    peer.sendEnd();
    peer.releaseStream();
    EXPECT_EQ(peer.output(), expected);
    EXPECT_FALSE(peer.codec().finished());
  }
}

TEST_F(H1ServerTest, DelimitsByCloseForHttp10WithoutALength) {
  peer_.feed("GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n");
  peer_.send(peer_.newResponse(100));
  peer_.send(peer_.newResponse(200));
  peer_.sendData("abc");
  peer_.sendEnd();
  peer_.releaseStream();
  EXPECT_EQ(peer_.output(), "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nabc");
  EXPECT_TRUE(peer_.codec().finished());
}

TEST_F(H1ServerTest, HonoursConnectionClose) {
  peer_.feed("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
  peer_.respond(200, "x");
  EXPECT_EQ(peer_.output(), "HTTP/1.1 200 OK\r\ncontent-length: 1\r\nconnection: close\r\n\r\nx");
  peer_.codec().onInput(false);
  EXPECT_TRUE(peer_.codec().finished());
  EXPECT_EQ(peer_.requests(), 1u);
}

TEST_F(H1ServerTest, ClosesWhenItsOwnLengthWasWrong) {
  peer_.feed(kGet);
  Head& head = peer_.newResponse(200);
  head.content_length = 3;
  peer_.send(head);
  peer_.sendData("abcd");
  EXPECT_TRUE(peer_.codec().finished());
  EXPECT_EQ(peer_.output(), "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n");

  Peer short_peer(Role::kServer, options_);
  short_peer.feed(kGet);
  Head& other = short_peer.newResponse(200);
  other.content_length = 3;
  short_peer.send(other);
  short_peer.sendData("ab");
  short_peer.sendEnd();
  EXPECT_TRUE(short_peer.codec().finished());
}

TEST_F(H1ServerTest, PassesInterimHeads) {
  peer_.feed(kGet);
  Head& hints = peer_.newResponse(103);
  hints.headers.add("link", "</a>");
  peer_.send(hints);
  peer_.respond(200);
  EXPECT_EQ(peer_.output(),
            "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
}

TEST_F(H1ServerTest, T5NoByteOfAFieldSplitsAResponse) {
  for (int b = 0; b < 256; ++b) {
    Peer peer(Role::kServer, options_);
    peer.feed(kGet);
    Head& head = peer.newResponse(200);
    const char c = static_cast<char>(b);
    head.headers.add("x", std::string("a") + c + "b");
    peer.send(head);
    peer.sendEnd();
    const bool allowed = b == '\t' || (b >= 0x20 && b != 0x7f);
    EXPECT_EQ(peer.codec().finished(), !allowed) << b;
    EXPECT_EQ(peer.output().empty(), !allowed) << b;
  }
}

TEST_F(H1ServerTest, NeverCopiesFieldsOfTheConnection) {
  peer_.feed(kGet);
  Head& head = peer_.newResponse(200);
  for (const char* name :
       {"Connection", "content-length", "Transfer-Encoding", "keep-alive", "upgrade", "proxy-connection"}) {
    head.headers.add(name, "9");
  }
  peer_.send(head);
  peer_.sendEnd();
  EXPECT_EQ(peer_.output(), "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
}

constexpr std::string_view kUpgrade =
    "GET /chat HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, X-Drop\r\nUpgrade: WebSocket\r\nX-Drop: 1\r\n\r\n";

TEST_F(H1ServerTest, T6Only101OpensATunnel) {
  peer_.feed(std::string(kUpgrade) + "early");
  EXPECT_EQ(peer_.takeLog(), "GET http://h/chat HTTP/1.1 upgrade:websocket\n");
  Head& head = peer_.newResponse(101);
  head.upgrade = "websocket";
  peer_.send(head);
  peer_.pump();
  peer_.sendData("pong");
  EXPECT_EQ(peer_.output(),
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\npong");
  peer_.feed("GET / HTTP/1.1\r\n\r\n");
  peer_.feed("", true);
  EXPECT_EQ(peer_.takeLog(), "data(earlyGET / HTTP/1.1\r\n\r\n)\nend\n");
  EXPECT_EQ(peer_.requests(), 1u);
  peer_.sendEnd();
  EXPECT_TRUE(peer_.codec().finished());
}

TEST_F(H1ServerTest, T6AnotherStatusLeavesRequests) {
  for (const uint16_t status : {200, 403, 426, 502}) {
    Peer peer(Role::kServer, options_);
    peer.feed(std::string(kUpgrade) + std::string(kGet));
    peer.takeLog();
    Head& head = peer.newResponse(status);
    head.content_length = 0;
    peer.send(head);
    peer.pump();
    EXPECT_EQ(peer.takeLog(), "end\n");
    peer.sendEnd();
    peer.releaseStream();
    peer.pump();
    peer.feed("");
    EXPECT_EQ(peer.takeLog(), "GET http://h/ HTTP/1.1\nend\n") << status;
  }
}

TEST_F(H1ServerTest, T6A101ThatNobodyAskedForIsRefused) {
  peer_.feed(kGet);
  Head& head = peer_.newResponse(101);
  head.upgrade = "websocket";
  peer_.send(head);
  EXPECT_TRUE(peer_.codec().finished());
  EXPECT_EQ(peer_.output(), "");
}

TEST_F(H1ServerTest, T6IgnoresUpgradesThatCannotBeHonoured) {
  for (const std::string_view fields :
       {"Upgrade: websocket\r\n", "Connection: upgrade\r\nUpgrade: a, b\r\n",
        "Connection: upgrade\r\nUpgrade: a\r\nUpgrade: b\r\n", "Connection: upgrade\r\n",
        "Connection: upgrade, http2-settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n",
        "Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n"}) {
    Peer peer(Role::kServer, options_);
    peer.feed("GET / HTTP/1.1\r\nHost: h\r\n" + std::string(fields) + "\r\n");
    EXPECT_EQ(peer.takeLog().find("upgrade"), std::string::npos) << fields;
  }
  peer_.feed("GET / HTTP/1.0\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
  EXPECT_EQ(peer_.takeLog(), "GET http://h/ HTTP/1.0\nend\n");
}

TEST_F(H1ServerTest, T6ConnectWaitsForA2xx) {
  peer_.feed("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\nearly");
  EXPECT_EQ(peer_.takeLog(), "CONNECT http://a:1 HTTP/1.1\n");
  peer_.send(peer_.newResponse(200));
  peer_.pump();
  EXPECT_EQ(peer_.takeLog(), "data(early)\n");
  EXPECT_EQ(peer_.output(), "HTTP/1.1 200 OK\r\n\r\n");

  Peer refused(Role::kServer, options_);
  refused.feed("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n");
  refused.respond(403);
  EXPECT_TRUE(refused.codec().finished());
  EXPECT_NE(refused.output().find("connection: close"), std::string::npos);
}

std::string post(size_t length, size_t sent) {
  return "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n" +
         std::string(sent, 'b');
}

TEST_F(H1ServerTest, T7DropsAShortUnreadBodyAndGoesOn) {
  peer_.pull = false;
  peer_.feed(post(64 * 1024, 100));
  peer_.respond(429);
  EXPECT_EQ(peer_.output(), "HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n");
  EXPECT_FALSE(peer_.codec().finished());
  EXPECT_TRUE(peer_.codec().headPending());
  peer_.pull = true;
  peer_.feed(std::string(64 * 1024 - 101, 'b'));
  EXPECT_EQ(peer_.requests(), 1u);
  peer_.feed("b" + std::string(kGet));
  EXPECT_EQ(peer_.requests(), 2u);
  EXPECT_EQ(peer_.takeLog(), "GET http://h/ HTTP/1.1\nend\n");
}

TEST_F(H1ServerTest, T7ClosesWhenTheUnreadBodyIsLongOrUnknown) {
  for (const std::string& request :
       {post(64 * 1024 + 1, 0), std::string("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")}) {
    Peer peer(Role::kServer, options_);
    peer.pull = false;
    peer.feed(request);
    peer.respond(429);
    EXPECT_EQ(peer.output(), "HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    EXPECT_TRUE(peer.codec().finished());
    peer.feed("1\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(peer.requests(), 1u);
    EXPECT_EQ(peer.in().size(), 0u);
  }
}

TEST_F(H1ServerTest, T9ClosesWhenTheBodyWasNeverAskedFor) {
  const std::string request = "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n";
  peer_.feed(request);
  peer_.respond(401);
  EXPECT_EQ(peer_.output(), "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
  EXPECT_TRUE(peer_.codec().finished());

  Peer asked(Role::kServer, options_);
  asked.feed(request);
  asked.send(asked.newResponse(100));
  asked.feed("x");
  EXPECT_EQ(asked.takeLog(), "PUT http://h/ HTTP/1.1 length:1 expects-continue\ndata(x)\nend\n");
  asked.respond(200);
  EXPECT_EQ(asked.output(), "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  EXPECT_FALSE(asked.codec().finished());
}

TEST_F(H1ServerTest, WhatIsNotPulledStaysInTheInput) {
  peer_.pull = false;
  peer_.feed(post(1000, 1000));
  EXPECT_EQ(peer_.in().size(), 1000u);
  EXPECT_EQ(peer_.consumed(), 0u);
  peer_.pull = true;
  peer_.pump();
  EXPECT_EQ(peer_.in().size(), 0u);
  EXPECT_GT(peer_.consumed(), 0u);
}

TEST_F(H1ServerTest, HasRoomUpToTheWriteLimit) {
  Peer peer(Role::kServer, options_, 100);
  peer.feed(kGet);
  EXPECT_EQ(peer.stream().room(), 100u);
  Head& head = peer.newResponse(200);
  head.content_length = 500;
  peer.send(head);
  peer.sendData(std::string(200, 'x'));
  EXPECT_EQ(peer.stream().room(), 0u);
  peer.output();
  EXPECT_EQ(peer.stream().room(), 100u);
}

TEST_F(H1ServerTest, ServesWhatCameBeforeAHalfClose) {
  peer_.on_end = [this](bool) { peer_.respond(200); };
  peer_.feed(std::string(kGet) + std::string(kGet), true);
  EXPECT_EQ(peer_.requests(), 2u);
  EXPECT_EQ(
      peer_.output(),
      "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
  EXPECT_TRUE(peer_.codec().finished());
}

TEST_F(H1ServerTest, AnUnfinishedRequestFailsWithTheConnection) {
  peer_.feed(post(5, 2));
  peer_.feed("", true);
  EXPECT_EQ(peer_.takeLog(), "POST http://h/ HTTP/1.1 length:5\ndata(bb)\nfailed(client_gone)\n");

  Peer lost(Role::kServer, options_);
  lost.feed(post(5, 2));
  lost.lose(Reason::kDraining);
  EXPECT_EQ(lost.takeLog(), "POST http://h/ HTTP/1.1 length:5\ndata(bb)\nfailed(draining)\n");
}

TEST_F(H1ServerTest, FinishesOnAHalfHead) {
  peer_.feed("GET / HT");
  EXPECT_TRUE(peer_.codec().headPending());
  peer_.feed("", true);
  EXPECT_TRUE(peer_.codec().finished());
  EXPECT_EQ(peer_.requests(), 0u);
}

TEST_F(H1ServerTest, AnswersAHeadThatComesTooLate) {
  peer_.feed("GET / HT");
  peer_.codec().refuse(Reason::kRequestHeaderTimeout);
  EXPECT_EQ(
      peer_.output(),
      "HTTP/1.1 408 Request Timeout\r\ncontent-type: text/plain\r\ncontent-length: 23\r\nconnection: close\r\n\r\n"
      "request_header_timeout\n");
  EXPECT_TRUE(peer_.codec().finished());
}

TEST_F(H1ServerTest, DrainsAfterTheRequestsThatCame) {
  peer_.feed(kGet);
  peer_.codec().drain();
  EXPECT_FALSE(peer_.codec().finished());
  peer_.respond(200);
  EXPECT_EQ(peer_.output(), "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
  EXPECT_TRUE(peer_.codec().finished());

  Peer idle(Role::kServer, options_);
  idle.codec().drain();
  EXPECT_TRUE(idle.codec().finished());

  Peer pending(Role::kServer, options_);
  pending.feed("GET / HTTP/1.1\r\n");
  pending.codec().drain();
  EXPECT_FALSE(pending.codec().finished());
  pending.feed("Host: h\r\n\r\n");
  EXPECT_EQ(pending.requests(), 1u);
}

TEST_F(H1ServerTest, AnUnfinishedResponseClosesTheConnection) {
  peer_.feed(kGet);
  Head& head = peer_.newResponse(200);
  head.content_length = 10;
  peer_.send(head);
  peer_.sendData("abc");
  peer_.releaseStream();
  EXPECT_TRUE(peer_.codec().finished());
  EXPECT_EQ(peer_.codec().streams(), 0u);
}

}  // namespace
}  // namespace weir::http::h1
