#include "source/filter/substitution_format.h"

#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "source/base/metadata.h"
#include "source/filter/json_text.h"
#include "source/http/grpc.h"
#include "source/net/transport_info.h"
#include "test/harness/filter/filter_world.h"

namespace weir::filter {
namespace {

using base::MonotonicTime;

class SubstitutionFormatTest : public testing::Test {
 protected:
  SubstitutionFormatTest() {
    request_.method = "GET";
    request_.path = "/a/b?q=1";
    request_.authority = "example.com";
    request_.headers.add("x-a", "alpha");
    request_.headers.add("x-two", "1");
    request_.headers.add("x-two", "2");
    request_.headers.add("x-odd", "q\"\\\x01\xff\xc3\xa9");
    response_.status = 503;
    response_.headers.add("x-r", "rho");
    trailers_.add("x-t", "tau");
    info_.start_wall = absl::FromUnixNanos(1'767'225'600'123'456'789);
    info_.start = MonotonicTime{1'000'000'000};
    info_.complete = info_.start + absl::Milliseconds(42);
    info_.protocol = http::Version::kHttp11;
    info_.bytes_received = 3;
    info_.bytes_sent = 5;
    info_.connection_id = 9;
    info_.status = 503;
    info_.reason = http::Reason::kConnectFailure;
    info_.downstream_remote = net::Address::parse("[2001:db8::1]:4000").value();
    info_.downstream_local = net::Address::parse("127.0.0.1:8082").value();
    info_.upstream_remote = net::Address::parse("127.0.0.1:6060").value();
    info_.upstream_cluster = "backend";
    info_.upstream_attempts = 2;
    info_.route = &route_;
    info_.request_head = &request_;
    info_.response_head = &response_;
    info_.response_trailers = &trailers_;
  }

  std::string text(std::string_view format, bool omit_empty = false) {
    const auto parsed = SubstitutionFormat::parse(format, omit_empty);
    if (!parsed.ok()) return "error: " + std::string(parsed.status().message());
    std::string out;
    (*parsed)->append(info_, out);
    return out;
  }
  std::string json(std::string_view format) {
    const auto parsed = SubstitutionFormat::parse(format, false);
    EXPECT_TRUE(parsed.ok()) << format;
    std::string out;
    (*parsed)->appendJson(info_, out);
    return out;
  }

  base::ChunkPool chunks_;
  base::Arena arena_{chunks_};
  http::Head request_{arena_};
  http::Head response_{arena_};
  http::HeaderMap trailers_{arena_};
  harness::FakeRoute route_;
  StreamInfo info_;
};

TEST_F(SubstitutionFormatTest, GrpcStatusIsThatOfTheResponseInAnySpelling) {
  const char* const all = "%GRPC_STATUS% %GRPC_STATUS(CAMEL_STRING)% %GRPC_STATUS(SNAKE_STRING)% %GRPC_STATUS(NUMBER)%";
  EXPECT_EQ(text(all), "- - - -");  // not gRPC
  request_.headers.add("content-type", "application/grpc");
  EXPECT_EQ(text(all), "Unavailable Unavailable UNAVAILABLE 14");  // 503
  response_.headers.add("grpc-status", "5");
  EXPECT_EQ(text("%GRPC_STATUS%"), "NotFound");
  trailers_.add("grpc-status", "0");
  EXPECT_EQ(text(all), "OK OK OK 0");
  EXPECT_EQ(json("%GRPC_STATUS_NUMBER%"), "0");
  info_.grpc_status = http::GrpcStatus::kAborted;
  EXPECT_EQ(text("%GRPC_STATUS_NUMBER%"), "10");
  const auto bad = SubstitutionFormat::parse("%GRPC_STATUS(lower)%", false);
  EXPECT_FALSE(bad.ok());
}

// What is written by hand must be what strftime(3) writes, on every day, and beside what only strftime knows.
TEST_F(SubstitutionFormatTest, TimesAreThoseOfStrftime) {
  constexpr std::string_view kFormat = "%Y-%m-%dT%H:%M:%S";
  const auto plain = SubstitutionFormat::parse("%START_TIME(%Y-%m-%dT%H:%M:%S)%", false);
  const auto mixed = SubstitutionFormat::parse("%START_TIME(%Y-%m-%dT%H:%M:%S%%%a)%", false);
  ASSERT_TRUE(plain.ok() && mixed.ok());
  const auto check = [&](int64_t seconds) {
    info_.start_wall = absl::FromUnixSeconds(seconds);
    const time_t time = seconds;
    tm parts = {};
    gmtime_r(&time, &parts);
    char expected[64];
    std::string out;
    (*plain)->append(info_, out);
    strftime(expected, sizeof(expected), std::string(kFormat).c_str(), &parts);
    ASSERT_EQ(out, expected) << seconds;
    out.clear();
    (*mixed)->append(info_, out);
    strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S%%%a", &parts);
    ASSERT_EQ(out, expected) << seconds;
  };
  // As far as nanoseconds of 64 bits reach, each day at another second of it.
  for (int64_t day = 0; day < 106000; ++day) check(day * 86400 + day * 7919 % 86400);
}

TEST_F(SubstitutionFormatTest, EveryOperatorSaysWhatItIsNamedAfter) {
  const std::pair<const char*, const char*> cases[] = {
      {"%REQ(:METHOD)% %REQ(:PATH)% %REQ(:AUTHORITY)%", "GET /a/b?q=1 example.com"},
      {"%REQ(X-MISSING?X-A)%", "alpha"},
      {"%REQ(X-A?:PATH)%", "alpha"},
      {"%REQ(X-MISSING)%", "-"},
      {"%REQ(x-two)%", "1,2"},
      {"%REQ(X-A):3%", "alp"},
      {"%REQ(X-A):30%", "alpha"},
      {"%REQ_WITHOUT_QUERY(:PATH)%", "/a/b"},
      {"%RESP(X-R)% %RESP(x-none?x-r)%", "rho rho"},
      {"%TRAILER(X-T)%", "tau"},
      {"%PROTOCOL%", "HTTP/1.1"},
      {"%RESPONSE_CODE%", "503"},
      {"%RESPONSE_CODE_DETAILS%", "upstream_connect_failure"},
      {"%RESPONSE_FLAGS% %RESPONSE_FLAGS_LONG%", "UF UpstreamConnectionFailure"},
      {"%BYTES_RECEIVED% %BYTES_SENT%", "3 5"},
      {"%DURATION%", "42"},
      {"%REQUEST_DURATION% %RESPONSE_DURATION%", "- -"},
      {"%START_TIME%", "2026-01-01T00:00:00.123Z"},
      {"%START_TIME(%Y/%m/%dT%H:%M:%S%z)%", "2026/01/01T00:00:00+0000"},
      {"%START_TIME(%s.%3f)% %START_TIME(%s.%f)%", "1767225600.123 1767225600.123456789"},
      {"%START_TIME(%E6S)%", "00.123456"},
      {"%DOWNSTREAM_REMOTE_ADDRESS%", "[2001:db8::1]:4000"},
      {"%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%", "2001:db8::1"},
      {"%DOWNSTREAM_REMOTE_PORT%", "4000"},
      {"%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_PORT%", "127.0.0.1:8082 8082"},
      {"%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%", "-"},
      {"%UPSTREAM_HOST% %UPSTREAM_REMOTE_PORT%", "127.0.0.1:6060 6060"},
      {"%UPSTREAM_LOCAL_ADDRESS%", "-"},
      {"%UPSTREAM_CLUSTER% %UPSTREAM_REQUEST_ATTEMPT_COUNT%", "backend 2"},
      {"%ROUTE_NAME% %VIRTUAL_HOST_NAME%", "route vhost"},
      {"%CONNECTION_ID%", "9"},
      {"%STREAM_ID%", "-"},
      {"%REQUEST_HEADERS_BYTES% %RESPONSE_HEADERS_BYTES%", "32 6"},
      {"100%% of %BYTES_SENT%%%", "100% of 5%"},
      {"plain", "plain"},
      {"", ""},
  };
  for (const auto& [format, expected] : cases) EXPECT_EQ(text(format), expected) << format;
}

TEST_F(SubstitutionFormatTest, ProcessValuesAreReadAtLoad) {
  char host[256] = {};
  gethostname(host, sizeof(host) - 1);
  EXPECT_EQ(text("%HOSTNAME%"), host);
  setenv("WEIR_FORMAT_TEST", "set", 1);
  EXPECT_EQ(text("%ENVIRONMENT(WEIR_FORMAT_TEST)%"), "set");
  unsetenv("WEIR_FORMAT_TEST");
  EXPECT_EQ(text("%ENVIRONMENT(WEIR_FORMAT_TEST)%"), "-");
}

TEST_F(SubstitutionFormatTest, UnknownValuesAreLeftOutWhereAsked) {
  EXPECT_EQ(text("[%REQ(X-MISSING)%]", true), "[]");
  EXPECT_EQ(text("[%UPSTREAM_LOCAL_PORT%]", true), "[]");
}

TEST_F(SubstitutionFormatTest, DetailsOfAnUpstreamResponseSayWhereItCameFrom) {
  info_.reason = http::Reason::kNone;
  EXPECT_EQ(text("%RESPONSE_CODE_DETAILS% %RESPONSE_FLAGS%"), "via_upstream -");
  info_.status = 0;
  info_.response_head = nullptr;
  EXPECT_EQ(text("%RESPONSE_CODE_DETAILS% %RESPONSE_CODE% %RESP(x-r)%"), "- 0 -");
}

TEST_F(SubstitutionFormatTest, JsonKeepsTypesAndIsAlwaysValid) {
  EXPECT_EQ(json("%RESPONSE_CODE%"), "503");
  EXPECT_EQ(json("%REQ(X-A)%"), "\"alpha\"");
  EXPECT_EQ(json("%REQ(X-MISSING)%"), "null");
  EXPECT_EQ(json("%REQUEST_DURATION%"), "null");
  EXPECT_EQ(json("code %RESPONSE_CODE%"), "\"code 503\"");
  EXPECT_EQ(json("%REQ(X-ODD)%"), "\"q\\\"\\\\\\u0001\\u00ff\xc3\xa9\"");
}

TEST_F(SubstitutionFormatTest, PlainFormatsAreKnownAsSuch) {
  EXPECT_TRUE((*SubstitutionFormat::parse("a%%b", false))->isPlain());
  EXPECT_TRUE((*SubstitutionFormat::parse("", false))->isPlain());
  EXPECT_FALSE((*SubstitutionFormat::parse("%PROTOCOL%", false))->isPlain());
}

TEST_F(SubstitutionFormatTest, WhatFiltersNotedAboutTheStream) {
  EXPECT_EQ(text("%DYNAMIC_METADATA(com.test:user)%"), "-");
  base::Metadata noted = base::Metadata::structure();
  info_.dynamic_metadata = &noted;
  EXPECT_EQ(text("%DYNAMIC_METADATA(com.test:user)%"), "-");
  base::Metadata& space = noted.field("com.test");
  space.field("user") = base::Metadata("alice \"a\"");
  space.field("age") = base::Metadata::number(41);
  space.field("share") = base::Metadata::number(0.25);
  space.field("in").field("list") =
      base::Metadata::list({base::Metadata("x"), base::Metadata::boolean(false), base::Metadata()});
  EXPECT_EQ(text("%DYNAMIC_METADATA(com.test:user)%"), "alice \"a\"");
  EXPECT_EQ(text("%DYNAMIC_METADATA(com.test:user):5%"), "alice");
  EXPECT_EQ(text("%DYNAMIC_METADATA(com.test:age)% %DYNAMIC_METADATA(com.test:share)%"), "41 0.25");
  EXPECT_EQ(text("%DYNAMIC_METADATA(com.test:in:list)%"), "[\"x\",false,null]");
  EXPECT_EQ(text("%DYNAMIC_METADATA(com.test)%"),
            "{\"age\":41,\"in\":{\"list\":[\"x\",false,null]},\"share\":0.25,\"user\":\"alice \\\"a\\\"\"}");
  EXPECT_EQ(text("%DYNAMIC_METADATA(other:user)%"), "-");
  EXPECT_EQ(text("%DYNAMIC_METADATA(com.test:user:deeper)%", true), "");
}

TEST_F(SubstitutionFormatTest, ErrorsNameTheOperatorAndWhatIsAllowed) {
  const std::pair<const char*, const char*> cases[] = {
      {"abc %NOPE%", "error: at offset 4: unknown command operator \"NOPE\"; there are BYTES_RECEIVED, "},
      {"%PROTOCOL", "error: at offset 0: a command operator has no closing percent sign"},
      {"%REQ(X%", "error: at offset 0: a command operator has no closing"},
      {"%REQ%", "error: at offset 0: REQ needs an argument in parentheses"},
      {"%REQ()%", "error: at offset 0: \"\" in REQ does not name headers"},
      {"%REQ(a?b?c)%", "error: at offset 0: \"a?b?c\" in REQ does not name headers"},
      {"%PROTOCOL(x)%", "error: at offset 0: PROTOCOL takes no argument"},
      {"%METADATA(OTHER:a:b)%",
       "error: at offset 0: \"OTHER:a:b\" in METADATA names no metadata; allowed are ROUTE:NAMESPACE:KEY, "
       "VIRTUAL_HOST:NAMESPACE:KEY, CLUSTER:NAMESPACE:KEY and LISTENER:NAMESPACE:KEY, with more keys behind"},
      {"%CLUSTER_METADATA()%", "error: at offset 0: CLUSTER_METADATA names nothing; allowed is NAMESPACE:KEY"},
      {"%DYNAMIC_METADATA()%", "error: at offset 0: DYNAMIC_METADATA names nothing; allowed is NAMESPACE:KEY"},
      {"%DYNAMIC_METADATA%", "error: at offset 0: DYNAMIC_METADATA needs an argument in parentheses"},
      {"%REQ(a):x%", "error: at offset 0: \":x\" after REQ is not a maximum length"},
      {"%REQ(a):0%", "error: at offset 0: \":0\" after REQ is not a maximum length"},
      {"%REQ(a)5%", "error: at offset 0: \"5\" after REQ is not a maximum length"},
      {"%%%", "error: at offset 2: a command operator has no closing percent sign"},
  };
  for (const auto& [format, expected] : cases) {
    EXPECT_EQ(text(format).substr(0, std::string_view(expected).size()), expected) << format;
  }
}

TEST(JsonTextTest, OnlyValidUtf8PassesAsItIs) {
  const auto escaped = [](std::string_view in) {
    std::string out;
    appendJsonEscaped(in, out);
    return out;
  };
  EXPECT_EQ(escaped("\xe2\x82\xac \xf0\x9f\x98\x80"), "\xe2\x82\xac \xf0\x9f\x98\x80");
  EXPECT_EQ(escaped("\xc0\xaf"), "\\u00c0\\u00af");             // overlong
  EXPECT_EQ(escaped("\xed\xa0\x80"), "\\u00ed\\u00a0\\u0080");  // a surrogate
  EXPECT_EQ(escaped("\xf4\x90\x80\x80"), "\\u00f4\\u0090\\u0080\\u0080");
  EXPECT_EQ(escaped("\xe2\x82"), "\\u00e2\\u0082");  // cut off
  EXPECT_EQ(escaped("a\n\r\t\x7f"), "a\\n\\r\\t\\u007f");
  EXPECT_FALSE(needsJsonEscape("abc"));
  for (unsigned byte = 0; byte < 256; ++byte) {
    const std::string text = std::string(37, 'a') + static_cast<char>(byte) + "b";
    EXPECT_EQ(needsJsonEscape(text), byte < 0x20 || byte == '"' || byte == '\\' || byte >= 0x7f) << byte;
  }
}

struct TwoCertificates final : net::PeerChain {
  std::string pem() const override { return "-----BEGIN X-----\nab+/==\n"; }
  std::vector<Link> links() const override { return {{"aa", "a", "1"}, {"bb", "b", "2"}}; }
};

net::PeerCertificate certificateOf(const std::string& who) {
  net::PeerCertificate out;
  out.subject = "CN=" + who;
  out.issuer = "CN=issuer of " + who;
  out.serial = "0" + who;
  out.sha256_fingerprint = "256" + who;
  out.sha1_fingerprint = "1" + who;
  out.dns_names = {who + ".example", "*." + who + ".example"};
  out.uris = {"spiffe://" + who};
  out.emails = {who + "@example"};
  out.ip_addresses = {"192.0.2.1"};
  out.other_names = {who + " other"};
  out.not_before = absl::FromUnixSeconds(0);
  out.not_after = absl::FromUnixSeconds(86'400);
  return out;
}

TEST_F(SubstitutionFormatTest, TellsTheSameOfThePeersOfBothSides) {
  net::TransportInfo down;
  down.version = "TLSv1.3";
  down.cipher = "CIPHER";
  down.session_id = "5e55";
  down.failure = "too bad";
  down.server_name = "wanted";
  down.peer = std::make_unique<net::PeerCertificate>(certificateOf("peer"));
  down.peer_chain = std::make_shared<const TwoCertificates>();
  down.local = std::make_shared<const net::PeerCertificate>(certificateOf("own"));
  const std::pair<std::string, std::string> rows[] = {
      {"TLS_VERSION", "TLSv1.3"},
      {"TLS_CIPHER", "CIPHER"},
      {"TLS_SESSION_ID", "5e55"},
      {"TRANSPORT_FAILURE_REASON", "too bad"},
      {"PEER_SUBJECT", "CN=peer"},
      {"PEER_ISSUER", "CN=issuer of peer"},
      {"PEER_SERIAL", "0peer"},
      {"PEER_FINGERPRINT_256", "256peer"},
      {"PEER_FINGERPRINT_1", "1peer"},
      {"PEER_CHAIN_FINGERPRINTS_256", "aa,bb"},
      {"PEER_CHAIN_FINGERPRINTS_1", "a,b"},
      {"PEER_CHAIN_SERIALS", "1,2"},
      {"PEER_CERT", "-----BEGIN%20X-----%0Aab%2B%2F%3D%3D%0A"},
      {"PEER_CERT_V_START", "1970-01-01T00:00:00.000Z"},
      {"PEER_CERT_V_END(%d)", "02"},
      {"PEER_DNS_SAN", "peer.example,*.peer.example"},
      {"PEER_URI_SAN", "spiffe://peer"},
      {"PEER_EMAIL_SAN", "peer@example"},
      {"PEER_IP_SAN", "192.0.2.1"},
      {"PEER_OTHERNAME_SAN", "peer other"},
      {"LOCAL_SUBJECT", "CN=own"},
      {"LOCAL_DNS_SAN", "own.example,*.own.example"},
      {"LOCAL_URI_SAN", "spiffe://own"},
      {"LOCAL_EMAIL_SAN", "own@example"},
      {"LOCAL_IP_SAN", "192.0.2.1"},
      {"LOCAL_OTHERNAME_SAN", "own other"},
  };
  for (const auto& [name, want] : rows) {
    for (const std::string side : {"DOWNSTREAM_", "UPSTREAM_"}) EXPECT_EQ(text("%" + side + name + "%"), "-") << name;
  }
  auto up = std::make_shared<net::TransportInfo>();
  info_.downstream_transport = &down;
  info_.upstream_transport = up;
  for (const auto& [name, want] : rows) {
    EXPECT_EQ(text("%DOWNSTREAM_" + name + "%"), want) << name;
    EXPECT_EQ(text("%UPSTREAM_" + name + "%"), "-") << name;
  }
  EXPECT_EQ(text("%REQUESTED_SERVER_NAME%"), "wanted");
  *up = net::TransportInfo();
  up->version = down.version;
  up->cipher = down.cipher;
  up->session_id = down.session_id;
  up->failure = down.failure;
  up->peer = std::move(down.peer);
  up->peer_chain = std::move(down.peer_chain);
  up->local = std::move(down.local);
  for (const auto& [name, want] : rows) EXPECT_EQ(text("%UPSTREAM_" + name + "%"), want) << name;
}

}  // namespace
}  // namespace weir::filter
