// What a server takes for a request, and what it resets: raw header sections, T4, T5, T30, T31, T34 of the test table.
#include <string>

#include "gtest/gtest.h"
#include "test/http/h2/frames.h"
#include "test/http/h2/peer.h"

namespace weir::http::h2 {
namespace {

struct Outcome {
  std::string log;
  std::string wrote;
  Reason refused = Reason::kNone;
  Reason error = Reason::kNone;
};

// One request on stream 1; a GET on stream 3 behind it must not suffer.
Outcome ask(const std::string& bytes, const H2Options& options = {}) {
  Peer server(Role::kServer, options);
  server.feed(hello());
  server.feed(bytes);
  Outcome outcome;
  outcome.wrote = inWords(server.output());
  outcome.error = server.codec().error();
  if (!server.refused().empty()) outcome.refused = server.refused().front();
  if (!server.calls().empty()) outcome.log = server.call(0).log();
  const size_t calls = server.calls().size();
  if (outcome.error == Reason::kNone) {
    server.feed(headers(3, get(), true));
    EXPECT_EQ(server.calls().size(), calls + 1) << "the connection goes on";
  }
  return outcome;
}

Reason refusal(const FieldPairs& fields, const H2Options& options = {}) {
  const Outcome outcome = ask(headers(1, fields, true), options);
  EXPECT_EQ(outcome.wrote, outcome.refused == Reason::kNone ? "" : "RST 1 PROTOCOL_ERROR");
  EXPECT_EQ(outcome.log.empty(), outcome.refused != Reason::kNone);
  return outcome.refused;
}

FieldPairs without(FieldPairs fields, std::string_view name) {
  std::erase_if(fields, [name](const auto& field) { return field.first == name; });
  return fields;
}

FieldPairs with(FieldPairs fields, std::string_view name, std::string value) {
  for (auto& field : fields) {
    if (field.first == name) field.second = value;
  }
  return fields;
}

TEST(H2ServerHead, PseudoHeadersComeFirstOnceAndComplete) {
  const FieldPairs reordered = {{":path", "/"}, {":authority", "h"}, {":scheme", "https"}, {":method", "GET"}};
  EXPECT_EQ(ask(headers(1, reordered, true)).log, "GET https://h/\nend\n");
  for (const char* name : {":method", ":scheme", ":path"}) {
    EXPECT_EQ(refusal(without(get(), name)), Reason::kBadRequest) << name;
  }
  EXPECT_EQ(refusal(without(get(), ":authority")), Reason::kMissingHost);
  for (const auto& field : get()) {
    EXPECT_EQ(refusal(get({{field.first, field.second}})), Reason::kBadRequest) << "twice: " << field.first;
    EXPECT_EQ(refusal(with(get(), field.first, "")), Reason::kBadRequest) << "empty: " << field.first;
    FieldPairs late = without(get(), field.first);
    late.push_back({"accept", "*/*"});
    late.push_back(field);
    EXPECT_EQ(refusal(late), Reason::kBadRequest) << "late: " << field.first;
  }
  for (const char* name : {":status", ":protocol", ":other", ":", ":Method"}) {
    FieldPairs more = {{name, "x"}};
    const FieldPairs rest = get();
    more.insert(more.end(), rest.begin(), rest.end());
    EXPECT_EQ(refusal(more), Reason::kBadRequest) << name;
  }
}

// T5: whatever byte a pseudo-header holds, nothing that could split or disguise an HTTP/1 request gets through.
TEST(H2ServerHead, EveryByteInAPseudoHeader) {
  for (int b = 0; b < 256; ++b) {
    const std::string byte(1, static_cast<char>(b));
    const bool visible = b > 0x20 && b < 0x7f;
    const bool path_byte = visible && b != '#';
    EXPECT_EQ(refusal(with(get(), ":path", "/a" + byte + "b")) == Reason::kNone, path_byte) << b;
    const bool token =
        visible && std::string_view("\"(),/:;<=>?@[\\]{}").find(static_cast<char>(b)) == std::string::npos;
    EXPECT_EQ(refusal(with(get(), ":method", "G" + byte + "T")) == Reason::kNone, token) << b;
    EXPECT_NE(refusal(with(get(), ":scheme", "ht" + byte + "tp")), Reason::kNone) << b;
    const Reason authority = refusal(with(get(), ":authority", "a" + byte + "b"));
    if (!visible || byte == "," || byte == "@" || byte == "/" || byte == "#" || byte == "?") {
      EXPECT_NE(authority, Reason::kNone) << b;
    }
  }
}

TEST(H2ServerHead, EveryByteInAFieldsNameAndValue) {
  for (int b = 0; b < 256; ++b) {
    const std::string byte(1, static_cast<char>(b));
    const bool visible = b > 0x20 && b < 0x7f;
    const bool name = visible &&
                      std::string_view("\"(),/:;<=>?@[\\]{}").find(static_cast<char>(b)) == std::string::npos &&
                      !(b >= 'A' && b <= 'Z');
    EXPECT_EQ(refusal(get({{"x" + byte + "y", "v"}})) == Reason::kNone, name) << b;
    const bool value = b == '\t' || (b >= 0x20 && b != 0x7f);
    EXPECT_EQ(refusal(get({{"x", "v" + byte + "w"}})) == Reason::kNone, value) << b;
    const bool edge = value && b != ' ' && b != '\t';
    EXPECT_EQ(refusal(get({{"x", byte + "w"}})) == Reason::kNone, edge) << b;
    EXPECT_EQ(refusal(get({{"x", "w" + byte}})) == Reason::kNone, edge) << b;
  }
  EXPECT_EQ(refusal(get({{"", "v"}})), Reason::kBadRequest);
  EXPECT_EQ(refusal(get({{"x", ""}})), Reason::kNone);
}

TEST(H2ServerHead, FieldsOfAConnectionAreErrors) {
  for (const char* name : {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"}) {
    EXPECT_EQ(refusal(get({{name, "x"}})), Reason::kBadRequest) << name;
  }
  EXPECT_EQ(ask(headers(1, get({{"te", "trailers"}}), true)).log, "GET http://h/ te=trailers\nend\n");
  EXPECT_EQ(refusal(get({{"te", "gzip"}})), Reason::kBadRequest);
  EXPECT_EQ(refusal(get({{"te", "trailers"}, {"te", "trailers"}})), Reason::kBadRequest);
  EXPECT_EQ(refusal(get({{"te", "trailers, gzip"}})), Reason::kBadRequest);
  EXPECT_EQ(ask(headers(1, get({{"proxy-authorization", "x"}}), true)).log, "GET http://h/\nend\n");
}

TEST(H2ServerHead, HostAndAuthorityAgree) {
  EXPECT_EQ(ask(headers(1, get({{"host", "H"}}), true)).log, "GET http://h/\nend\n");
  EXPECT_EQ(ask(headers(1, with(without(get(), ":authority"), "", ""), true)).refused, Reason::kMissingHost);
  FieldPairs host_only = without(get(), ":authority");
  host_only.push_back({"host", "other:80"});
  EXPECT_EQ(ask(headers(1, host_only, true)).log, "GET http://other:80/\nend\n");
  EXPECT_EQ(refusal(get({{"host", "other"}})), Reason::kMissingHost);
  EXPECT_EQ(refusal(get({{"host", ""}})), Reason::kMissingHost);
  EXPECT_EQ(refusal(get({{"host", "h"}, {"host", "h"}})), Reason::kMissingHost);
}

TEST(H2ServerHead, CookiesAreJoined) {
  const FieldPairs fields = get({{"cookie", "a=1"}, {"accept", "x"}, {"cookie", "b=2"}, {"cookie", "c"}});
  EXPECT_EQ(ask(headers(1, fields, true)).log, "GET http://h/ cookie=a=1; b=2; c accept=x\nend\n");
}

TEST(H2ServerHead, TargetsAreThoseOfTheirMethods) {
  EXPECT_EQ(refusal(with(with(get(), ":method", "OPTIONS"), ":path", "*")), Reason::kNone);
  EXPECT_EQ(refusal(with(get(), ":path", "*")), Reason::kBadRequest);
  EXPECT_EQ(refusal(with(get(), ":path", "a")), Reason::kBadRequest);
  EXPECT_EQ(refusal(with(get(), ":path", "http://h/")), Reason::kBadRequest);
  EXPECT_EQ(refusal(with(get(), ":scheme", "ftp")), Reason::kBadRequest);
  EXPECT_EQ(ask(headers(1, with(get(), ":scheme", "HTTPS"), true)).log, "GET https://h/\nend\n");
  EXPECT_EQ(refusal({{":method", "CONNECT"}, {":authority", "h"}}), Reason::kBadRequest);
  EXPECT_EQ(refusal({{":method", "CONNECT"}, {":authority", "h:1"}, {":path", "/"}}), Reason::kBadRequest);
  EXPECT_EQ(refusal({{":method", "CONNECT"}, {":authority", "h:1"}, {":scheme", "http"}}), Reason::kBadRequest);
  EXPECT_EQ(ask(headers(1, {{":method", "CONNECT"}, {":authority", "h:1"}}, false)).log, "CONNECT ://h:1\n");
  EXPECT_EQ(ask(headers(1, {{":method", "CONNECT"}, {":authority", "h:1"}, {"content-length", "0"}}, false)).refused,
            Reason::kBadFraming);
}

TEST(H2ServerHead, LimitsHoldAtTheirValueAndNotAboveIt) {
  H2Options options;
  options.limits = {.head_bytes = 1000, .head_fields = 10, .path_bytes = 100};
  // Four pseudo-headers of 7+3, 7+4, 10+1 and 5+1 bytes, and 32 each.
  const size_t used = 10 + 11 + 11 + 6 + 4 * 32;
  const auto sized = [&](size_t total) { return get({{"x", std::string(total - used - 33, 'v')}}); };
  EXPECT_EQ(refusal(sized(1000), options), Reason::kNone);
  EXPECT_EQ(refusal(sized(1001), options), Reason::kHeadersTooLarge);
  const auto many = [](size_t more) { return get(FieldPairs(more, {"cookie", "a"})); };
  EXPECT_EQ(refusal(many(6), options), Reason::kNone);
  EXPECT_EQ(refusal(many(7), options), Reason::kTooManyHeaders);
  EXPECT_EQ(refusal(with(get(), ":path", "/" + std::string(99, 'a')), options), Reason::kNone);
  EXPECT_EQ(refusal(with(get(), ":path", "/" + std::string(100, 'a')), options), Reason::kUriTooLong);
}

TEST(H2ServerHead, TheDefaultLimitsAre60KiBAnd100Fields) {
  EXPECT_EQ(refusal(get(FieldPairs(96, {"a", "b"}))), Reason::kNone);
  EXPECT_EQ(refusal(get(FieldPairs(97, {"a", "b"}))), Reason::kTooManyHeaders);
  EXPECT_EQ(refusal(get({{"a", std::string(60 * 1024 - 166 - 33, 'b')}})), Reason::kNone);
  EXPECT_EQ(refusal(get({{"a", std::string(60 * 1024 - 166 - 32, 'b')}})), Reason::kHeadersTooLarge);
}

// T4: a length that is not the true one never reaches the other side as a whole message.
TEST(H2ServerHead, ContentLengthMustBeTrue) {
  const auto length = [](std::string value) { return post({{"content-length", value}}); };
  struct Row {
    std::string bytes;
    std::string log;
  };
  const std::string failed = "failed(bad_framing)\n";
  const FieldPairs tail = {{"t", "v"}};
  const Row rows[] = {
      {headers(1, length("0"), true), "POST http://h/ length:0\nend\n"},
      {headers(1, length("5"), true), ""},
      {headers(1, length("5"), false) + data(1, "abcde", true), "POST http://h/ length:5\ndata(abcde)\nend\n"},
      {headers(1, length("5"), false) + data(1, "ab") + data(1, "cde") + data(1, "", true),
       "POST http://h/ length:5\ndata(abcde)\nend\n"},
      {headers(1, length("5"), false) + data(1, "abcd", true), "POST http://h/ length:5\n" + failed},
      {headers(1, length("5"), false) + data(1, "abcdef", true), "POST http://h/ length:5\n" + failed},
      {headers(1, length("5"), false) + data(1, "abcdef"), "POST http://h/ length:5\n" + failed},
      {headers(1, length("5"), false) + data(1, "abc") + headers(1, tail, true), "POST http://h/ length:5\n" + failed},
      {headers(1, length("5"), false) + headers(1, tail, true), "POST http://h/ length:5\n" + failed},
      {headers(1, length("5"), false) + data(1, "abcde") + headers(1, tail, true),
       "POST http://h/ length:5\ndata(abcde)\nend t=v\n"},
      {headers(1, length("5, 5"), false), ""},
      {headers(1, length("+5"), false), ""},
      {headers(1, length("0x5"), false), ""},
      {headers(1, length(""), false), ""},
      {headers(1, length("99999999999999999999"), false), ""},
      {headers(1, post({{"content-length", "5"}, {"content-length", "5"}}), false), ""},
  };
  for (const Row& row : rows) {
    const Outcome outcome = ask(row.bytes);
    EXPECT_EQ(outcome.log, row.log);
    const bool wrong = row.log.empty() || row.log.find("failed") != std::string::npos;
    EXPECT_EQ(outcome.wrote, wrong ? "RST 1 PROTOCOL_ERROR" : "") << row.log;
    EXPECT_EQ(outcome.refused, row.log.empty() ? Reason::kBadFraming : Reason::kNone);
  }
}

TEST(H2ServerHead, TrailersAreCheckedToo) {
  const std::string begin = headers(1, post(), false) + data(1, "x");
  EXPECT_EQ(ask(begin + headers(1, {{"grpc-status", "0"}}, true)).log, "POST http://h/\ndata(x)\nend grpc-status=0\n");
  const FieldPairs bad[] = {{{":status", "200"}}, {{":path", "/"}},      {{"content-length", "1"}},
                            {{"host", "h"}},      {{"connection", "x"}}, {{"te", "trailers"}},
                            {{"X", "y"}},         {{"x", "a\rb"}}};
  for (const FieldPairs& fields : bad) {
    const Outcome outcome = ask(begin + headers(1, fields, true));
    EXPECT_EQ(outcome.wrote, "RST 1 PROTOCOL_ERROR") << fields[0].first;
    EXPECT_NE(outcome.log.find("failed("), std::string::npos) << outcome.log;
  }
  // Without END_STREAM they are no trailers.
  EXPECT_EQ(ask(begin + headers(1, {{"x", "y"}}, false)).wrote, "RST 1 PROTOCOL_ERROR");
}

TEST(H2ServerHead, ExpectContinueIsNotedAndOtherExpectationsRefused) {
  EXPECT_EQ(ask(headers(1, post({{"expect", "100-Continue"}}), false)).log, "POST http://h/ expects-continue\n");
  EXPECT_EQ(ask(headers(1, post({{"expect", "100-continue"}}), true)).log, "POST http://h/\nend\n");
  EXPECT_EQ(refusal(get({{"expect", "tea"}})), Reason::kExpectationFailed);
}

TEST(H2ServerHead, UnderscoresAsConfigured) {
  H2Options options;
  const FieldPairs fields = get({{"a_b", "1"}});
  EXPECT_EQ(ask(headers(1, fields, true), options).log, "GET http://h/ a_b=1\nend\n");
  options.underscores = UnderscoreAction::kDrop;
  EXPECT_EQ(ask(headers(1, fields, true), options).log, "GET http://h/\nend\n");
  options.underscores = UnderscoreAction::kReject;
  EXPECT_EQ(refusal(fields, options), Reason::kUnderscoreRefused);
}

// Cut at every byte, a conversation is the same as whole.
TEST(H2ServerHead, EveryCutGivesTheSame) {
  const std::string bytes = hello() +
                            headers(1, post({{"content-length", "6"}, {"cookie", "a"}, {"cookie", "b"}}), false) +
                            data(1, "abc") + ping() + headers(3, get({{"Bad", "x"}}), true) + data(1, "def") +
                            headers(1, {{"t", "v"}}, true) + headers(5, get(), true) + rst(5, 8);
  const auto serve = [&bytes](size_t cut) {
    Peer server(Role::kServer);
    server.feed(std::string_view(bytes).substr(0, cut));
    server.feed(std::string_view(bytes).substr(cut));
    std::string text = server.output();
    for (const auto& call : server.calls()) text += call->log();
    return text;
  };
  const std::string whole = serve(0);
  for (size_t cut = 1; cut < bytes.size(); ++cut) ASSERT_EQ(serve(cut), whole) << cut;
}

}  // namespace
}  // namespace weir::http::h2
