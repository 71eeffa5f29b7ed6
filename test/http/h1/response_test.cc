// The client role: what it writes, how it reads responses (row T90 of the matrix, and the framing rows T1 and T3 for
// responses), and when a connection may carry another request. Each response is also cut at every byte.
#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "test/http/h1/peer.h"

namespace weir::http::h1 {
namespace {

struct Request {
  std::string_view method = "GET";
  std::string_view upgrade = {};
};

// Sends a request, feeds `bytes` cut at `cut` (npos: byte by byte), and says how it was read and what is left.
std::string transcript(const Request& request, std::string_view bytes, bool end, size_t cut) {
  const H1Options options{.enable_trailers = true};
  Peer peer(Role::kClient, options);
  peer.openStream();
  Head& head = peer.newRequest(request.method, "/");
  head.upgrade = request.upgrade;
  peer.send(head);
  if (request.upgrade.empty()) peer.sendEnd();
  peer.output();
  if (cut == std::string_view::npos) {
    for (const char c : bytes) peer.feed(std::string_view(&c, 1));
  } else {
    peer.feed(bytes.substr(0, cut));
    peer.feed(bytes.substr(cut));
  }
  if (end) peer.feed("", true);
  std::string text = peer.takeLog();
  peer.releaseStream();
  return text + (peer.codec().reusable() ? "reusable" : peer.codec().finished() ? "closed" : "neither");
}

std::string read(std::string_view bytes, bool end = false, const Request& request = {}) {
  const std::string whole = transcript(request, bytes, end, 0);
  EXPECT_EQ(transcript(request, bytes, end, std::string_view::npos), whole) << bytes;
  if (bytes.size() < 2000) {
    for (size_t cut = 1; cut < bytes.size(); ++cut) {
      const std::string split = transcript(request, bytes, end, cut);
      EXPECT_EQ(split, whole) << "cut at " << cut << " of " << bytes;
      if (split != whole) break;
    }
  }
  return whole;
}

TEST(H1Response, ReadsAllFramings) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nA: b\r\n\r\nhi"),
            "200 HTTP/1.1 length:2 a=b\ndata(hi)\nend\nreusable");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x\r\nhi\r\n0\r\nS: 1\r\n\r\n"),
            "200 HTTP/1.1\ndata(hi)\nend s=1\nreusable");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\n\r\nhi", true), "200 HTTP/1.1\ndata(hi)\nend\nclosed");
  EXPECT_EQ(read("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi"), "200 HTTP/1.0 length:2\ndata(hi)\nend\nclosed");
  EXPECT_EQ(read("HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n"),
            "200 HTTP/1.0 length:0\nend\nreusable");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
            "200 HTTP/1.1 length:0\nend\nclosed");
}

TEST(H1Response, ReadsStatusLinesOfAllKinds) {
  for (const std::string_view line :
       {"HTTP/1.1 299", "HTTP/1.1 299 ", "HTTP/1.1 299 a b\tc", "HTTP/1.1 299 \xc3\xa4"}) {
    EXPECT_EQ(read(std::string(line) + "\r\nContent-Length: 0\r\n\r\n"), "299 HTTP/1.1 length:0\nend\nreusable")
        << line;
  }
  for (const std::string_view line :
       {"HTTP/1.1 29 x", "HTTP/1.1 2999", "HTTP/1.1 099 x", "HTTP/1.1  299", "HTTP/1.2 299", "HTTP/2 200",
        "http/1.1 200 OK", "ICY 200 OK", "HTTP/1.1\t200 OK", "HTTP/1.1 200 a\x01", "HTTP/1.1 2x0 OK", "",
        "HTTP/1.1 200 a\rb", "HTTP/1.1 200-OK"}) {
    EXPECT_EQ(read(std::string(line) + "\r\nContent-Length: 0\r\n\r\n"), "failed(upstream_protocol_error)\nclosed")
        << line;
  }
}

TEST(H1Response, T1RefusesBadFramingAndFields) {
  for (const std::string_view fields :
       {"Content-Length: 1\r\nContent-Length: 1", "Content-Length: +1", "Content-Length: ", "Content-Length: 1, 1",
        "Transfer-Encoding: chunked\r\nContent-Length: 1", "Transfer-Encoding: gzip",
        "Transfer-Encoding: chunked, chunked", "A : b", " A: b", "A: b\r\n c", "A", ": a", "A: b\nC: d"}) {
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\n" + std::string(fields) + "\r\n\r\nx"),
              "failed(upstream_protocol_error)\nclosed")
        << fields;
  }
  EXPECT_EQ(read("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            "failed(upstream_protocol_error)\nclosed");
}

TEST(H1Response, T3RefusesBadChunks) {
  for (const std::string_view body : {"g\r\n", "1\nx\r\n0\r\n\r\n", "1 \r\nx\r\n", "1\r\nxx\r\n", "-1\r\n"}) {
    const std::string got = read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(body));
    EXPECT_NE(got.find("failed(upstream_protocol_error)\nclosed"), std::string::npos) << body << got;
  }
}

TEST(H1Response, T90PassesUpTo32InterimHeads) {
  const std::string interim = "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n";
  std::string bytes;
  std::string log;
  for (int count = 0; count <= 50; ++count) {
    const std::string got = read(bytes + "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    if (count <= 32) {
      EXPECT_EQ(got, log + "200 HTTP/1.1 length:0\nend\nreusable") << count;
      if (count < 32) log += "103 HTTP/1.1 link=a\n";
    } else {
      EXPECT_EQ(got, log + "failed(upstream_protocol_error)\nclosed") << count;
    }
    bytes += interim;
  }
}

TEST(H1Response, T90AnInterimHeadBehindTheFinalOneIsNotAResponse) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 103 x\r\n\r\n"),
            "200 HTTP/1.1 length:0\nend\nclosed");
}

TEST(H1Response, T90RefusesA101ThatWasNotAskedFor) {
  const std::string_view bytes = "HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nraw";
  EXPECT_EQ(read(bytes), "failed(upstream_protocol_error)\nclosed");
  EXPECT_EQ(read(bytes, false, {.upgrade = "other"}), "failed(upstream_protocol_error)\nclosed");
  EXPECT_EQ(read("HTTP/1.1 101 x\r\n\r\n", false, {.upgrade = "websocket"}), "failed(upstream_protocol_error)\nclosed");
  EXPECT_EQ(read(bytes, true, {.upgrade = "websocket"}), "101 HTTP/1.1 upgrade:websocket\ndata(raw)\nend\nclosed");
}

TEST(H1Response, T6AnAnswerToAnUpgradeThatIsNot101IsFramed) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nhiraw",
                 false, {.upgrade = "websocket"}),
            "200 HTTP/1.1 length:2\ndata(hi)\nend\nclosed");
}

TEST(H1Response, T90BodiesWhereThereAreNoneAreNotRead) {
  EXPECT_EQ(read("HTTP/1.1 204 x\r\nContent-Length: 2\r\n\r\nhi"), "204 HTTP/1.1 length:2\nend\nclosed");
  EXPECT_EQ(read("HTTP/1.1 304 x\r\nContent-Length: 2\r\n\r\nhi"), "304 HTTP/1.1 length:2\nend\nclosed");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", false, {.method = "HEAD"}),
            "200 HTTP/1.1 length:2\nend\nclosed");
  EXPECT_EQ(read("HTTP/1.1 304 x\r\nContent-Length: 2\r\n\r\n"), "304 HTTP/1.1 length:2\nend\nreusable");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false, {.method = "HEAD"}),
            "200 HTTP/1.1\nend\nreusable");
}

TEST(H1Response, T90WrongLengthsCloseTheConnection) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhix"), "200 HTTP/1.1 length:2\ndata(hi)\nend\nclosed");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi", true),
            "200 HTTP/1.1 length:3\ndata(hi)\nfailed(upstream_truncated)\nclosed");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n", true),
            "200 HTTP/1.1\ndata(hi)\nfailed(upstream_truncated)\nclosed");
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Le", true), "failed(upstream_truncated)\nclosed");
  EXPECT_EQ(read("", true), "failed(upstream_reset)\nclosed");
}

TEST(H1Response, LimitsHeads) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nA: " + std::string(61 * 1024, 'a')), "failed(upstream_headers_too_large)\nclosed");
  std::string fields;
  for (int i = 0; i < 101; ++i) fields += "a: b\r\n";
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\n" + fields + "\r\n"), "failed(upstream_headers_too_large)\nclosed");
}

class H1ClientTest : public testing::Test {
 protected:
  std::string sent(Head& head) {
    peer_.send(head);
    return peer_.output();
  }

  H1Options options_;
  Peer peer_{Role::kClient, options_};
};

TEST_F(H1ClientTest, WritesRequestsWithTheirFraming) {
  peer_.openStream();
  Head& get = peer_.newRequest("GET", "/a?b", "h:1");
  get.headers.add("X", "1");
  get.headers.add("host", "other");
  get.headers.add("te", "trailers");
  peer_.send(get);
  peer_.sendEnd();
  EXPECT_EQ(peer_.output(), "GET /a?b HTTP/1.1\r\nhost: h:1\r\nx: 1\r\nte: trailers\r\nconnection: te\r\n\r\n");
  peer_.feed("HTTP/1.1 204 x\r\n\r\n");
  peer_.releaseStream();

  peer_.openStream();
  peer_.send(peer_.newRequest("POST", "/"));
  peer_.sendEnd();
  EXPECT_EQ(peer_.output(), "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\n\r\n");
  peer_.feed("HTTP/1.1 204 x\r\n\r\n");
  peer_.releaseStream();

  peer_.openStream();
  Head& put = peer_.newRequest("PUT", "/");
  put.expects_continue = true;
  peer_.send(put);
  peer_.sendData("abc");
  peer_.sendEnd();
  EXPECT_EQ(
      peer_.output(),
      "PUT / HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
}

TEST_F(H1ClientTest, WritesUpgradesAndTunnels) {
  peer_.openStream();
  Head& head = peer_.newRequest("GET", "/chat");
  head.upgrade = "websocket";
  EXPECT_EQ(sent(head), "GET /chat HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
  peer_.feed("HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: WebSocket\r\n\r\n");
  peer_.sendData("ping");
  EXPECT_EQ(peer_.output(), "ping");
}

TEST_F(H1ClientTest, T6DataBefore101IsRefused) {
  peer_.openStream();
  Head& head = peer_.newRequest("GET", "/chat");
  head.upgrade = "websocket";
  peer_.send(head);
  peer_.output();
  peer_.sendData("early");
  EXPECT_EQ(peer_.output(), "");
  EXPECT_TRUE(peer_.codec().finished());
}

TEST_F(H1ClientTest, T5NoByteSplitsARequest) {
  for (int b = 0; b < 256; ++b) {
    const std::string byte(1, static_cast<char>(b));
    const auto refused = [&](auto&& edit) {
      Peer peer(Role::kClient, options_);
      peer.openStream();
      Head& head = peer.newRequest("GET", "/");
      edit(head);
      peer.send(head);
      peer.sendEnd();
      const std::string out = peer.output();
      EXPECT_EQ(out.empty(), peer.codec().finished()) << b;
      return out.empty();
    };
    const std::string around = "a" + byte + "b";
    const std::string path = "/" + byte;
    const bool control = b < 0x20 || b == 0x7f;
    EXPECT_EQ(refused([&](Head& h) { h.path = path; }), control || b == ' ' || b == '#' || b >= 0x80) << b;
    EXPECT_EQ(refused([&](Head& h) { h.headers.add("x", around); }), control && b != '\t') << b;
    if (control || b == ' ' || b == ':' || b >= 0x80) {
      EXPECT_TRUE(refused([&](Head& h) { h.method = around; })) << b;
      EXPECT_TRUE(refused([&](Head& h) { h.authority = around; })) << b;
      EXPECT_TRUE(refused([&](Head& h) { h.headers.add(around, "x"); })) << b;
      EXPECT_TRUE(refused([&](Head& h) { h.upgrade = around; })) << b;
    }
  }
}

TEST_F(H1ClientTest, ReusesTheConnectionAfterAWholeExchange) {
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(peer_.codec().canOpen());
    peer_.openStream();
    EXPECT_FALSE(peer_.codec().canOpen());
    peer_.send(peer_.newRequest("GET", "/"));
    peer_.sendEnd();
    peer_.feed("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
    peer_.releaseStream();
  }
  EXPECT_TRUE(peer_.codec().reusable());
}

TEST_F(H1ClientTest, NotAfterAResponseThatCameBeforeTheRequestWasSent) {
  peer_.openStream();
  Head& head = peer_.newRequest("POST", "/");
  head.content_length = 5;
  peer_.send(head);
  peer_.feed("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(peer_.takeLog(), "200 HTTP/1.1 length:0\nend\n");
  peer_.releaseStream();
  EXPECT_TRUE(peer_.codec().finished());
}

TEST_F(H1ClientTest, NotWhenBytesComeWhileIdle) {
  peer_.feed("HTTP/1.1 408 x\r\n\r\n");
  EXPECT_TRUE(peer_.codec().finished());
  EXPECT_EQ(peer_.codec().error(), Reason::kUpstreamProtocol);
  Peer ended(Role::kClient, options_);
  ended.feed("", true);
  EXPECT_FALSE(ended.codec().canOpen());
  EXPECT_TRUE(ended.codec().finished());
}

TEST_F(H1ClientTest, NotWhenTheAnswerCameBeforeTheRequest) {
  peer_.openStream();
  peer_.feed("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(peer_.takeLog(), "failed(upstream_protocol_error)\n");
  EXPECT_TRUE(peer_.codec().finished());
}

TEST_F(H1ClientTest, AnUnusedStreamLeavesTheConnectionAsItWas) {
  peer_.openStream();
  peer_.releaseStream();
  EXPECT_TRUE(peer_.codec().reusable());
}

TEST_F(H1ClientTest, KnowsWhatWasProvablyNotProcessed) {
  const auto failsAfter = [this](bool reused, std::string_view bytes) {
    Peer peer(Role::kClient, options_);
    if (reused) {
      peer.openStream();
      peer.send(peer.newRequest("GET", "/"));
      peer.sendEnd();
      peer.feed("HTTP/1.1 204 x\r\n\r\n");
      peer.releaseStream();
    }
    peer.takeLog();
    peer.openStream();
    peer.send(peer.newRequest("GET", "/"));
    peer.sendEnd();
    peer.feed(bytes);
    peer.lose(Reason::kUpstreamReset);
    return peer.takeLog() + (peer.stream().unprocessed() ? "unprocessed" : "maybe");
  };
  EXPECT_EQ(failsAfter(true, ""), "failed(upstream_reset)\nunprocessed");
  EXPECT_EQ(failsAfter(false, ""), "failed(upstream_reset)\nmaybe");
  EXPECT_EQ(failsAfter(true, "H"), "failed(upstream_truncated)\nmaybe");
  EXPECT_EQ(failsAfter(true, "HTTP/1.1 103 x\r\n\r\n"), "103 HTTP/1.1\nfailed(upstream_truncated)\nmaybe");
}

TEST_F(H1ClientTest, ReadsWhatCameBeforeAReset) {
  peer_.pull = false;
  peer_.openStream();
  peer_.send(peer_.newRequest("GET", "/"));
  peer_.sendEnd();
  peer_.feed("HTTP/1.1 413 x\r\nContent-Length: 2\r\n\r\nno");
  peer_.pull = true;
  peer_.lose(Reason::kUpstreamReset);
  EXPECT_EQ(peer_.takeLog(), "413 HTTP/1.1 length:2\ndata(no)\nend\n");
  peer_.releaseStream();
  EXPECT_FALSE(peer_.codec().reusable());
}

TEST_F(H1ClientTest, T4AShortOrLongRequestClosesTheConnection) {
  for (const std::string_view body : {"ab", "abcd"}) {
    Peer peer(Role::kClient, options_);
    peer.openStream();
    Head& head = peer.newRequest("POST", "/");
    head.content_length = 3;
    peer.send(head);
    peer.sendData(body);
    peer.sendEnd();
    EXPECT_TRUE(peer.codec().finished()) << body;
    peer.feed("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    peer.releaseStream();
    EXPECT_FALSE(peer.codec().reusable()) << body;
  }
}

}  // namespace
}  // namespace weir::http::h1
