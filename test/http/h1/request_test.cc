// Requests into the server role: what is accepted and how it reads, what is refused and how (rows T1, T2, T3, T8 and T9
// of the matrix of request smuggling), each cut in two at every byte and fed byte by byte.
#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "test/http/h1/peer.h"

namespace weir::http::h1 {
namespace {

using namespace std::string_view_literals;

// What a server makes of `bytes` cut at `cut` (and byte by byte for cut npos): the log, the output, the error.
std::string transcript(const H1Options& options, std::string_view bytes, size_t cut) {
  Peer peer(Role::kServer, options);
  peer.on_end = [&peer](bool failed) {
    if (failed) {
      peer.respond(400, "");
    } else {
      peer.respond(200, "ok");
    }
  };
  if (cut == std::string_view::npos) {
    for (const char c : bytes) peer.feed(std::string_view(&c, 1));
  } else {
    peer.feed(bytes.substr(0, cut));
    peer.feed(bytes.substr(cut));
  }
  std::string text = peer.takeLog();
  text.append("-- ").append(reasonInfo(peer.codec().error()).name).append("\n");
  return text + peer.output() + (peer.codec().finished() ? "closed" : "open");
}

// The answer for the whole input, after a check that each way to cut it gives the same.
std::string serve(std::string_view bytes, const H1Options& options = {}) {
  const std::string whole = transcript(options, bytes, 0);
  EXPECT_EQ(transcript(options, bytes, std::string_view::npos), whole) << bytes;
  if (bytes.size() < 2000) {
    for (size_t cut = 1; cut < bytes.size(); ++cut) {
      const std::string split = transcript(options, bytes, cut);
      EXPECT_EQ(split, whole) << "cut at " << cut << " of " << bytes;
      if (split != whole) break;
    }
  }
  return whole;
}

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

void expectAccepted(std::string_view bytes, std::string_view log, const H1Options& options = {}) {
  const std::string got = serve(bytes, options);
  EXPECT_EQ(got.substr(0, got.find("-- ")), log) << bytes;
  EXPECT_NE(got.find("200 OK"), std::string::npos) << got;
}

// No request is announced; the answer has the status of `reason` and the connection closes.
void expectRefused(std::string_view bytes, Reason reason, const H1Options& options = {}) {
  const ReasonInfo& info = reasonInfo(reason);
  const std::string got = serve(bytes, options);
  const std::string begin = "-- " + std::string(info.name) + "\nHTTP/1.1 " + std::to_string(info.status) + " ";
  EXPECT_EQ(got.substr(0, begin.size()), begin) << bytes << "\n" << got;
  EXPECT_NE(got.find("connection: close\r\n"), std::string::npos);
  EXPECT_EQ(got.substr(got.size() - 6), "closed");
}

std::string withField(std::string_view line) {
  return "GET / HTTP/1.1\r\nHost: h\r\n" + std::string(line) + "\r\n\r\n";
}

TEST(H1Request, ReadsAPlainRequestAndStaysOpen) {
  EXPECT_EQ(serve("GET /a?b=c HTTP/1.1\r\nHost: example.com:81\r\nX-One:  1 2\t\r\nAccept:*/*\r\n\r\n"),
            "GET http://example.com:81/a?b=c HTTP/1.1 x-one=1 2 accept=*/*\nend\n-- \n" + std::string(kOk) + "open");
}

TEST(H1Request, ReadsBodies) {
  expectAccepted("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
                 "POST http://h/ HTTP/1.1 length:5\ndata(hello)\nend\n");
  expectAccepted("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", "POST http://h/ HTTP/1.1 length:0\nend\n");
  expectAccepted(
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0006\r\n world\r\n0\r\n\r\n",
      "POST http://h/ HTTP/1.1\ndata(hello world)\nend\n");
}

TEST(H1Request, AnswersPipelinedRequestsInOrder) {
  const std::string got = serve(
      "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nPOST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx"
      "GET /3 HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(got,
            "GET http://h/1 HTTP/1.1\nend\nPOST http://h/2 HTTP/1.1 length:1\ndata(x)\nend\n"
            "GET http://h/3 HTTP/1.1\nend\n-- \n" +
                std::string(kOk) + std::string(kOk) + std::string(kOk) + "open");
}

TEST(H1Request, SkipsOneEmptyLineBeforeARequest) {
  expectAccepted("\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", "GET http://h/ HTTP/1.1\nend\n");
  expectRefused("\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", Reason::kBadRequest);
}

TEST(H1Request, T1RefusesBadFieldLines) {
  for (const std::string_view line : {
           "X : 1"sv,
           " X: 1"sv,
           "X\t: 1"sv,
           ": 1"sv,
           "X"sv,
           "X: 1\r\n folded"sv,
           "X: 1\r\n\tfolded"sv,
           "X: a\0b"sv,
           "X: a\rb"sv,
           "X: a\x01"sv,
           "X: a\x7f"sv,
           "X\0: 1"sv,
           "X(: 1"sv,
           "\x80: 1"sv,
           "X: 1\nY: 2"sv,
           "X@y: 1"sv,
           "X/y: 1"sv,
           "X\"y: 1"sv,
           "Content-Length : 5"sv,
           "X: 1\r\n\r"sv,
           "\x0bX: 1"sv,
           "X: \x0b"sv,
       }) {
    expectRefused(withField(line), Reason::kBadRequest);
  }
}

TEST(H1Request, T1RefusesAmbiguousLengths) {
  for (const std::string_view line : {
           "Content-Length: "sv,
           "Content-Length: +5"sv,
           "Content-Length: -5"sv,
           "Content-Length: 5, 5"sv,
           "Content-Length: 0x5"sv,
           "Content-Length: 5 5"sv,
           "Content-Length: 5a"sv,
           "Content-Length: 5\r\nContent-Length: 5"sv,
           "Content-Length: 5\r\ncontent-length: 6"sv,
           "Content-Length: 18446744073709551616"sv,
           "Content-Length: 99999999999999999999999"sv,
           "Content-Length: 1_0"sv,
           "Content-Length: 5;"sv,
           "Transfer-Encoding: chunked\r\nContent-Length: 5"sv,
           "Content-Length: 5\r\nTransfer-Encoding: chunked"sv,
           "Transfer-Encoding: xchunked"sv,
           "Transfer-Encoding: chunked, identity"sv,
           "Transfer-Encoding: gzip, chunked"sv,
           "Transfer-Encoding: identity"sv,
           "Transfer-Encoding: "sv,
           "Transfer-Encoding: chunked, chunked"sv,
           "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"sv,
           "Transfer-Encoding: chunked\r\nTransfer-Encoding: x"sv,
           "Transfer-Encoding: \"chunked\""sv,
           "Transfer-Encoding: chunked;q=1"sv,
           "Transfer-Encoding: ,chunked"sv,
       }) {
    expectRefused(withField(line), Reason::kBadFraming);
  }
  expectRefused(withField("Transfer-Encoding: \x0b"
                          "chunked"),
                Reason::kBadRequest);
  expectRefused("POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Reason::kBadFraming,
                {.accept_http_10 = true});
}

TEST(H1Request, T1LongNamesDoNotHideLengths) {
  for (const size_t length : {255u, 256u, 257u, 4095u, 30000u}) {
    const std::string name(length, 'n');
    expectRefused(withField("Content-Length: 1\r\n" + name + ": x\r\nContent-Length: 2"), Reason::kBadFraming);
  }
  expectRefused(withField(std::string(70000, 'n') + ": x"), Reason::kHeadersTooLarge);
}

TEST(H1Request, RefusesMissingRepeatedAndBadHosts) {
  expectRefused("GET / HTTP/1.1\r\n\r\n", Reason::kMissingHost);
  expectRefused("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", Reason::kMissingHost);
  expectRefused("GET / HTTP/1.1\r\nHost: \r\n\r\n", Reason::kMissingHost);
  for (const std::string_view host : {"a,b", "a b", "user@h", "a/b", "a?b", "a#b", "a:b", "a:", ":80", "a:80:80",
                                      "a:65536", "[::1", "[]", "[::1]x", "::1", "a\xc3\xa4", "a\\b", "h:+80", "[h]"}) {
    expectRefused("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n", Reason::kBadRequest);
  }
  for (const std::string_view host : {"a", "a:1", "127.0.0.1:65535", "[::1]", "[::ffff:1.2.3.4]:80", "a_b.c-d"}) {
    expectAccepted("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n",
                   "GET http://" + std::string(host) + "/ HTTP/1.1\nend\n");
  }
}

TEST(H1Request, T2RefusesBadRequestLines) {
  for (const std::string_view line : {
           "GET /a#b HTTP/1.1"sv,
           "GET /a b HTTP/1.1"sv,
           "GET  / HTTP/1.1"sv,
           "GET /  HTTP/1.1"sv,
           "GET / HTTP/1.1 "sv,
           " GET / HTTP/1.1"sv,
           "GET\t/ HTTP/1.1"sv,
           "GET /\x01 HTTP/1.1"sv,
           "GET /\0 HTTP/1.1"sv,
           "GET /\x7f HTTP/1.1"sv,
           "GET /\xc3\xa4 HTTP/1.1"sv,
           "GET a HTTP/1.1"sv,
           "GET * HTTP/1.1"sv,
           "GET / http/1.1"sv,
           "GET / HTTP/1.1x"sv,
           "GET / HTTP/1"sv,
           "GET / HTTP/11"sv,
           "GET /"sv,
           "GET"sv,
           "GET / "sv,
           "G(T / HTTP/1.1"sv,
           "/ / HTTP/1.1"sv,
           "GET / HTTPS/1.1"sv,
           "GET / HTTP/1.1\rX"sv,
           "GET http:// HTTP/1.1"sv,
           "GET http:///x HTTP/1.1"sv,
           "GET http://u@h/ HTTP/1.1"sv,
           "GET http://a,b/ HTTP/1.1"sv,
           "GET ftp://h/ HTTP/1.1"sv,
           "GET http:/h HTTP/1.1"sv,
           "CONNECT h HTTP/1.1"sv,
           "CONNECT /x HTTP/1.1"sv,
           "CONNECT http://h:1/ HTTP/1.1"sv,
           "CONNECT h:x HTTP/1.1"sv,
           "GETGETGETGETGETGETGETGETGETGETGET / HTTP/1.1"sv,
       }) {
    expectRefused(std::string(line) + "\r\nHost: h\r\n\r\n", Reason::kBadRequest);
  }
  for (const std::string_view version : {"HTTP/1.2", "HTTP/2.0", "HTTP/0.9", "HTTP/1.0", "HTTP/9.9"}) {
    expectRefused("GET / " + std::string(version) + "\r\nHost: h\r\n\r\n", Reason::kVersionNotSupported);
  }
}

TEST(H1Request, T2ReadsAllFormsOfTargets) {
  expectAccepted("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "OPTIONS http://h* HTTP/1.1\nend\n");
  expectAccepted("GET HtTp://A:80/x?y HTTP/1.1\r\nHost: b\r\n\r\n", "GET http://A:80/x?y HTTP/1.1\nend\n");
  expectAccepted("GET https://a HTTP/1.1\r\nHost: b\r\n\r\n", "GET https://a/ HTTP/1.1\nend\n");
  expectAccepted("GET http://a?q HTTP/1.1\r\nHost: b\r\n\r\n", "GET http://a/?q HTTP/1.1\nend\n");
  expectAccepted("OPTIONS http://a HTTP/1.1\r\nHost: b\r\n\r\n", "OPTIONS http://a* HTTP/1.1\nend\n");
  expectAccepted("GET //a/../b{}|\"<>\\^` HTTP/1.1\r\nHost: b\r\n\r\n",
                 "GET http://b//a/../b{}|\"<>\\^` HTTP/1.1\nend\n");
  expectRefused("GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", Reason::kBadRequest, {.allow_absolute_url = false});
  expectRefused("GET http://a/ HTTP/1.1\r\nHost: b,c\r\n\r\n", Reason::kBadRequest);
  expectRefused("GET http://a/ HTTP/1.1\r\n\r\n", Reason::kMissingHost);
}

TEST(H1Request, RefusesBareLineFeedsAtOnce) {
  expectRefused("GET / HTTP/1.1\nHost: h\r\n\r\n", Reason::kBadRequest);
  expectRefused("GET / HTTP/1.1\n", Reason::kBadRequest);
  expectRefused("GET / HTTP/1.1\r\nHost: h\n", Reason::kBadRequest);
  expectRefused("GET / HTTP/1.1\r\nHost: h\r\n\n", Reason::kBadRequest);
  expectRefused("\n", Reason::kBadRequest);
}

// Puts a request with a chunked body in front of `rest` and says how its reading ends.
std::string chunked(std::string_view rest) {
  const std::string got = serve("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(rest),
                                {.enable_trailers = true});
  return got.substr(got.find('\n') + 1);
}

TEST(H1Request, T3RefusesBadChunks) {
  for (const std::string_view body : {
           "g\r\n"sv,
           " 1\r\nx\r\n"sv,
           "1 \r\nx\r\n"sv,
           "+1\r\nx\r\n"sv,
           "-1\r\n"sv,
           "0x1\r\nx\r\n"sv,
           "1_0\r\n"sv,
           "\r\n"sv,
           "1\nx\r\n"sv,
           "1\r\nx\n"sv,
           "1\r\nxy\r\n"sv,
           "1\r\nx\r\r"sv,
           "1\rx"sv,
           "00000000000000001\r\nx\r\n"sv,
           "10000000000000000\r\n"sv,
           ";a\r\n"sv,
           "1;\r\nx\r\n"sv,
           "1;a=\r\nx\r\n"sv,
           "1;a=\"b\r\n"sv,
           "1;a=\"b\"c\r\n"sv,
           "1;a b\r\n"sv,
           "1 ;a\r\n"sv,
           "1; a\r\n"sv,
           "1;a\nx\r\n"sv,
           "1;a=b\nx"sv,
           "1;a=\"b\n\"\r\n"sv,
           "1;a\rx"sv,
           "1;a==b\r\n"sv,
           "1;a=\"\\\r\n\"\r\nx"sv,
           "1,2\r\n"sv,
           "1\0\r\n"sv,
       }) {
    const std::string got = chunked(body);
    EXPECT_NE(got.find("failed(bad_chunk)\n-- bad_chunk\nHTTP/1.1 400 "), std::string::npos) << body << "\n" << got;
    EXPECT_NE(got.find("connection: close"), std::string::npos) << body;
    EXPECT_EQ(got.substr(got.size() - 6), "closed");
  }
}

TEST(H1Request, T3DropsChunkExtensions) {
  const std::string ok = "data(x)\nend\n-- \n" + std::string(kOk) + "open";
  for (const std::string_view extension : {";a", ";a=b", ";a=\"b;\\\"\r x\t\"", ";a;b=c;d=\"\""}) {
    if (extension.find('\r') != std::string_view::npos) continue;
    EXPECT_EQ(chunked("1" + std::string(extension) + "\r\nx\r\n0" + std::string(extension) + "\r\n\r\n"), ok)
        << extension;
  }
  EXPECT_EQ(chunked("1;a=\"b;\\\" x\t\"\r\nx\r\n0\r\n\r\n"), ok);
  EXPECT_EQ(chunked("0000000000000001\r\nx\r\n0000000000000000\r\n\r\n"), ok);
}

TEST(H1Request, T3LimitsChunkExtensions) {
  const std::string ok = "data(x)\nend\n-- \n" + std::string(kOk) + "open";
  // ";" is not counted; the CR is.
  EXPECT_EQ(chunked("1;" + std::string(4095, 'e') + "\r\nx\r\n0\r\n\r\n"), ok);
  EXPECT_EQ(chunked("1;" + std::string(4096, 'e') + "\r\nx\r\n0\r\n\r\n").substr(0, 17), "failed(bad_chunk)");
}

TEST(H1Request, T8ReadsAndChecksTrailers) {
  EXPECT_EQ(chunked("0\r\nX-Sum: 1\r\nb:\r\n\r\n").substr(0, 17), "end x-sum=1 b=\n--");
  for (const std::string_view line :
       {"Content-Length: 1", "Transfer-Encoding: chunked", "Host: x", "X : 1", " X: 1", "X", "X: a\nY: b",
        "Authorization: x", "Connection: close", "Trailer: x", "Cookie: a=b"}) {
    const std::string got = chunked("0\r\n" + std::string(line) + "\r\n\r\n");
    EXPECT_EQ(got.substr(0, 17), "failed(bad_chunk)") << line;
  }
  EXPECT_EQ(chunked("0\r\n\n").substr(0, 17), "failed(bad_chunk)");
  EXPECT_EQ(chunked("0\r\nX: " + std::string(8192 - 6, 't') + "\r\n\r\n").substr(0, 3), "fai");
  EXPECT_EQ(chunked("0\r\nX: " + std::string(8192 - 7, 't') + "\r\n\r\n").substr(0, 3), "end");
}

TEST(H1Request, T8DropsTrailersWhereTheyAreNotEnabled) {
  expectAccepted("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: 1\r\n\r\n",
                 "POST http://h/ HTTP/1.1\nend\n");
}

TEST(H1Request, T9KnowsOneExpectation) {
  expectRefused(withField("Expect: 100-continue, x"), Reason::kExpectationFailed);
  expectRefused(withField("Expect: 200-ok"), Reason::kExpectationFailed);
  expectRefused(withField("Expect: "), Reason::kExpectationFailed);
  expectRefused(withField("Expect: 100-continue\r\nExpect: 100-continue"), Reason::kExpectationFailed);
  expectAccepted(withField("Expect: 100-Continue"), "GET http://h/ HTTP/1.1\nend\n");
  expectAccepted("PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx",
                 "PUT http://h/ HTTP/1.1 length:1 expects-continue\ndata(x)\nend\n");
}

TEST(H1Request, TakesOutFieldsOfTheConnection) {
  expectAccepted(
      "GET / HTTP/1.1\r\nHost: h\r\nA: 1\r\nConnection: keep-alive, x-b ,,Host, content-length,\"q\"\r\nX-B: "
      "2\r\nKeep-Alive: 5\r\n"
      "Proxy-Connection: close\r\nProxy-Authorization: x\r\nProxy-Authenticate: y\r\nTE: gzip, trailers\r\nUpgrade: "
      "foo\r\nC: 3\r\n"
      "Trailer: t\r\n\r\n",
      "GET http://h/ HTTP/1.1 a=1 c=3 trailer=t te=trailers\nend\n");
  expectAccepted(
      "POST / HTTP/1.1\r\nHost: h\r\nConnection: content-length, transfer-encoding, host\r\nContent-Length: 1\r\n\r\nx",
      "POST http://h/ HTTP/1.1 length:1\ndata(x)\nend\n");
}

TEST(H1Request, HonoursUnderscoreAction) {
  const std::string bytes = withField("a_b: 1\r\nc: 2");
  expectAccepted(bytes, "GET http://h/ HTTP/1.1 a_b=1 c=2\nend\n");
  expectAccepted(bytes, "GET http://h/ HTTP/1.1 c=2\nend\n", {.underscores = UnderscoreAction::kDrop});
  expectRefused(bytes, Reason::kUnderscoreRefused, {.underscores = UnderscoreAction::kReject});
}

TEST(H1Request, CountsFieldsUpToTheLimit) {
  std::string fields = "Host: h\r\n";
  for (int i = 1; i < 100; ++i) fields += "a: 1\r\n";
  EXPECT_NE(serve("GET / HTTP/1.1\r\n" + fields + "\r\n").find("200 OK"), std::string::npos);
  expectRefused("GET / HTTP/1.1\r\n" + fields + "Connection: x\r\n\r\n", Reason::kTooManyHeaders);
}

TEST(H1Request, LimitsHeadAndRequestLineInBytes) {
  H1Options options;
  options.limits.head_bytes = 300;
  options.limits.request_line_bytes = 100;
  const std::string line = "GET /" + std::string(100 - 14, 'p') + " HTTP/1.1";
  ASSERT_EQ(line.size(), 100u);
  const std::string fields = "Host: h\r\nX: ";
  const std::string x(300 - line.size() - 2 - fields.size() - 4, 'x');
  EXPECT_NE(serve(line + "\r\n" + fields + x + "\r\n\r\n", options).find("200 OK"), std::string::npos);
  EXPECT_NE(serve("\r\n" + line + "\r\n" + fields + x + "\r\n\r\n", options).find("200 OK"), std::string::npos);
  expectRefused(line + "\r\n" + fields + x + "x\r\n\r\n", Reason::kHeadersTooLarge, options);
  expectRefused("X" + line + "\r\n" + fields + "\r\n\r\n", Reason::kUriTooLong, options);
  expectRefused(std::string(500, 'x'), Reason::kUriTooLong, options);
}

TEST(H1Request, ServesHttp10WhereAllowed) {
  H1Options options{.accept_http_10 = true};
  const std::string closed = serve("GET / HTTP/1.0\r\nHost: h\r\n\r\n", options);
  EXPECT_EQ(
      closed,
      "GET http://h/ HTTP/1.0\nend\n-- \nHTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nokclosed");
  const std::string kept = serve("GET / HTTP/1.0\r\nHost: h\r\nConnection: Keep-Alive\r\n\r\n", options);
  EXPECT_EQ(
      kept,
      "GET http://h/ HTTP/1.0\nend\n-- \nHTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: keep-alive\r\n\r\nokopen");
  expectRefused("GET / HTTP/1.0\r\n\r\n", Reason::kMissingHost, options);
  options.default_host_for_http_10 = "d.example";
  expectAccepted("GET / HTTP/1.0\r\n\r\n", "GET http://d.example/ HTTP/1.0\nend\n", options);
}

TEST(H1Request, ConnectHasNoBody) {
  expectRefused("CONNECT h:1 HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx", Reason::kBadFraming);
  expectRefused("CONNECT h:1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", Reason::kBadFraming);
}

}  // namespace
}  // namespace weir::http::h1
