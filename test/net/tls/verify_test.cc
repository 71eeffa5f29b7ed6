// Who is accepted, and what is said of who is not: certificates of servers and of clients.

#include <arpa/inet.h>

#include "source/net/tls/verifier.h"
#include "source/net/tls/x509_text.h"
#include "test/net/tls/tls_pair.h"

namespace weir::net::tls {
namespace {

using Kind = SanMatcher::Kind;

class VerifyTest : public TlsPair {
 protected:
  // How the client takes a server with that certificate; the reason why not, or "open".
  std::string meet(const TestCertificate& certificate, const ClientConfig& config) {
    ServerConfig server_config;
    server_config.certificates.push_back(certificate.config());
    serve(server_config);
    dial(config);
    listener.reset();
    open();
    if (isOpen()) return "open";
    EXPECT_EQ(client.session.opens, 0);
    EXPECT_EQ(client.session.closed, CloseReason::kConnectFailed);
    return clientError();
  }
  // How a server takes a client with that certificate (null: none); the reason why not, or "open".
  std::string admit(const TestCertificate* certificate, const ServerConfig& config) {
    serve(config);
    ClientConfig client_config = clientConfig();
    if (certificate != nullptr) client_config.certificates.push_back(certificate->config());
    dial(client_config);
    listener.reset();
    open();
    return server.session.closed ? serverError() : "open";
  }
  ServerConfig mutualConfig() const {
    ServerConfig config = serverConfig();
    config.validation.emplace();
    config.validation->trusted_ca = authority.root.pem;
    config.require_client_certificate = true;
    return config;
  }
};

#define EXPECT_SAYS(expression, part)                                     \
  do {                                                                    \
    const std::string said = (expression);                                \
    EXPECT_NE(said.find(part), std::string::npos) << "it says: " << said; \
  } while (false)

TEST_F(VerifyTest, AServerIsCheckedByDefault) {
  EXPECT_EQ(meet(leaf, clientConfig()), "open");
  EXPECT_SAYS(meet(leaf, clientConfig("b.example")), "the certificate is for a.example and not for b.example");
  EXPECT_EQ(client.count(client.stats.fail_verify_san), 1u);
  EXPECT_SAYS(meet(makeCertificate({.names = {{GEN_DNS, "a.example"}}}), clientConfig()),
              "not accepted: self-signed certificate");
  EXPECT_EQ(client.count(client.stats.fail_verify_error), 1u);
  const TestAuthority stranger;
  EXPECT_SAYS(meet(stranger.leaf({{GEN_DNS, "a.example"}}), clientConfig()), "not accepted: ");
  EXPECT_EQ(client.count(client.stats.connection_error), 3u);
}

TEST_F(VerifyTest, TheServerIsToldWithAnAlert) {
  EXPECT_SAYS(meet(leaf, clientConfig("b.example")), "not for");
  EXPECT_SAYS(serverError(), "the peer sent the alert 'bad certificate'");
  const TestCertificate old =
      authority.leaf({{GEN_DNS, "a.example"}}, {.not_after = absl::FromUnixSeconds(1'750'000'000)});
  EXPECT_SAYS(meet(old, clientConfig()), "certificate has expired");
  EXPECT_SAYS(serverError(), "the peer sent the alert 'certificate expired'");
  EXPECT_EQ(server.session.closed, CloseReason::kRemoteReset);
}

TEST_F(VerifyTest, TimesAreThoseOfTheWorkersClock) {
  const absl::Time start = client.dispatcher.wallNow();
  const TestCertificate old = authority.leaf({{GEN_DNS, "a.example"}}, {.not_after = start - absl::Hours(1)});
  const TestCertificate future = authority.leaf({{GEN_DNS, "a.example"}}, {.not_before = start + absl::Hours(1)});
  EXPECT_SAYS(meet(old, clientConfig()), "certificate has expired");
  EXPECT_SAYS(meet(future, clientConfig()), "certificate is not yet valid");
  simulation.clock().stepWall(absl::Hours(2));
  EXPECT_EQ(meet(future, clientConfig()), "open");
  ClientConfig lenient = clientConfig();
  lenient.validation.allow_expired = true;
  EXPECT_EQ(meet(old, lenient), "open");
}

TEST_F(VerifyTest, ACertificateForClientsIsNoneForServers) {
  const TestCertificate wrong = authority.leaf({{GEN_DNS, "a.example"}}, {.usage = "clientAuth"});
  EXPECT_SAYS(meet(wrong, clientConfig()), "unsuitable certificate purpose");
  const TestCertificate server_only = authority.leaf({}, {.usage = "serverAuth"});
  EXPECT_SAYS(admit(&server_only, mutualConfig()), "unsuitable certificate purpose");
  const TestCertificate any = authority.leaf({{GEN_DNS, "a.example"}}, {.usage = nullptr});
  EXPECT_EQ(meet(any, clientConfig()), "open");
}

TEST_F(VerifyTest, ALeafSignsNothing) {
  const TestCertificate issuer = authority.leaf({{GEN_DNS, "mid.example"}}, {.common_name = "middle"});
  TestCertificate forged = makeCertificate({.names = {{GEN_DNS, "a.example"}}, .issuer = &issuer});
  forged.pem += issuer.pem;
  EXPECT_SAYS(meet(forged, clientConfig()), "invalid CA certificate");
}

TEST_F(VerifyTest, AnIntermediateAuthorityMustBeShownAndMayBeTrusted) {
  const TestCertificate middle =
      makeCertificate({.common_name = "middle", .issuer = &authority.root, .authority = true, .usage = nullptr});
  TestCertificate below = makeCertificate({.names = {{GEN_DNS, "a.example"}}, .issuer = &middle});
  EXPECT_SAYS(meet(below, clientConfig()), "unable to get local issuer certificate");
  ClientConfig partial = clientConfig();
  partial.validation.trusted_ca = middle.pem;
  EXPECT_EQ(meet(below, partial), "open");
  below.pem += middle.pem;
  EXPECT_EQ(meet(below, clientConfig()), "open");
  ClientConfig shallow = clientConfig();
  shallow.validation.max_depth = 0;
  EXPECT_SAYS(meet(below, shallow), "not accepted: ");
}

TEST_F(VerifyTest, ARevokedCertificateIsRefused) {
  const TestCertificate revoked = authority.leaf({{GEN_DNS, "a.example"}});
  ClientConfig config = clientConfig();
  config.validation.crl = makeCrl(authority.root, {&revoked});
  EXPECT_SAYS(meet(revoked, config), "certificate revoked");
  EXPECT_SAYS(serverError(), "certificate revoked");
  EXPECT_EQ(meet(leaf, config), "open");
}

TEST_F(VerifyTest, AListOfTheLeafOnlyDoesNotAskForThoseAbove) {
  const TestCertificate middle =
      makeCertificate({.common_name = "middle", .issuer = &authority.root, .authority = true, .usage = nullptr});
  TestCertificate below = makeCertificate({.names = {{GEN_DNS, "a.example"}}, .issuer = &middle});
  below.pem += middle.pem;
  ClientConfig config = clientConfig();
  config.validation.crl = makeCrl(middle, {});
  EXPECT_SAYS(meet(below, config), "unable to get certificate CRL");
  config.validation.crl_of_leaf_only = true;
  EXPECT_EQ(meet(below, config), "open");
}

TEST_F(VerifyTest, PinsDecideWithAndWithoutAnAuthority) {
  const TestCertificate own = makeCertificate({.names = {{GEN_DNS, "x"}}});
  ClientConfig config;
  config.validation.spki_pins = {spkiHash(own.x509.get())};
  EXPECT_EQ(meet(own, config), "open");
  EXPECT_SAYS(meet(leaf, config), "none of those that are pinned");
  EXPECT_EQ(client.count(client.stats.fail_verify_cert_hash), 1u);
  config = {};
  config.validation.certificate_hashes = {certificateHash(own.x509.get())};
  EXPECT_EQ(meet(own, config), "open");
  // Also where anything else would be accepted.
  config.validation.accept_untrusted = true;
  EXPECT_EQ(meet(own, config), "open");
  EXPECT_SAYS(meet(leaf, config), "none of those that are pinned");
  ClientConfig both = clientConfig();
  both.validation.spki_pins = {spkiHash(own.x509.get())};
  EXPECT_SAYS(meet(leaf, both), "none of those that are pinned");
}

TEST_F(VerifyTest, WhatIsAcceptedUntrustedIsNotCalledVerified) {
  ClientConfig config;
  config.validation.accept_untrusted = true;
  EXPECT_EQ(meet(makeCertificate({}), config), "open");
  EXPECT_FALSE(client.info().verified);
  EXPECT_EQ(meet(leaf, clientConfig()), "open");
  EXPECT_TRUE(client.info().verified);
}

TEST_F(VerifyTest, NamesAreMatchedByType) {
  const TestCertificate many = authority.leaf({{GEN_DNS, "*.svc.example"},
                                               {GEN_URI, "spiffe://mesh/ns/a/sa/b"},
                                               {GEN_EMAIL, "ops@a.example"},
                                               {GEN_IPADD, std::string("\x0a\x00\x00\x01", 4)}},
                                              {.other_names = {{"1.3.6.1.4.1.311.20.2.3", "user@corp"}}});
  const std::vector<std::pair<SanMatcher, bool>> cases = {
      {SanMatcher(SanType::kUri, Kind::kExact, "spiffe://mesh/ns/a/sa/b", false), true},
      {SanMatcher(SanType::kUri, Kind::kPrefix, "spiffe://mesh/ns/a/", false), true},
      {SanMatcher(SanType::kUri, Kind::kExact, "spiffe://mesh/ns/a", false), false},
      {SanMatcher(SanType::kDns, Kind::kExact, "spiffe://mesh/ns/a/sa/b", false), false},
      {SanMatcher(SanType::kDns, Kind::kExact, "web.svc.example", false), true},
      {SanMatcher(SanType::kDns, Kind::kExact, "a.web.svc.example", false), false},
      {SanMatcher(SanType::kDns, Kind::kSuffix, ".svc.example", false), true},
      {SanMatcher(SanType::kEmail, Kind::kContains, "@A.example", true), true},
      {SanMatcher(SanType::kEmail, Kind::kContains, "@A.example", false), false},
      {SanMatcher(SanType::kIp, Kind::kExact, "10.0.0.1", false), true},
      {SanMatcher(SanType::kOther, Kind::kExact, "user@corp", false, "1.3.6.1.4.1.311.20.2.3"), true},
      {SanMatcher(SanType::kOther, Kind::kExact, "user@corp", false, "1.2.3"), false},
      {*SanMatcher::regex(SanType::kUri, "spiffe://mesh/ns/[a-c]/.*"), true},
      {*SanMatcher::regex(SanType::kUri, "mesh"), false},
  };
  for (const auto& [matcher, good] : cases) {
    ClientConfig config = clientConfig("unrelated.example");
    config.validation.names = {matcher};
    EXPECT_EQ(meet(many, config) == "open", good) << matcher.text();
  }
}

TEST_F(VerifyTest, ANulOrABlankInANameMatchesNothing) {
  for (const int type : {GEN_DNS, GEN_URI, GEN_EMAIL}) {
    for (const std::string& name : {std::string("a.example\0.evil", 15), std::string("a.example\0", 10),
                                    std::string("a.example "), std::string("a.example\xff"), std::string()}) {
      const SubjectNames names = readNames(authority.leaf({{type, name}}).x509.get());
      EXPECT_TRUE(names.all.empty()) << type;
    }
  }
  EXPECT_SAYS(meet(authority.leaf({{GEN_DNS, std::string("a.example\0.evil", 15)}}), clientConfig()),
              "for no name at all and not for a.example");
  EXPECT_TRUE(readNames(authority.leaf({{GEN_IPADD, "abc"}}).x509.get()).all.empty());
  TestSpec other;
  other.other_names = {{"1.2.3.4", std::string("a\0b", 3)}};
  EXPECT_TRUE(readNames(authority.leaf({}, other).x509.get()).all.empty());
}

TEST_F(VerifyTest, TheCommonNameIsNoName) {
  EXPECT_SAYS(meet(authority.leaf({}, {.common_name = "a.example"}), clientConfig()), "for no name at all");
}

TEST_F(VerifyTest, AnAddressIsCheckedAsOne) {
  const TestCertificate by_ip = authority.leaf({{GEN_IPADD, std::string("\x7f\x00\x00\x01", 4)}});
  EXPECT_EQ(meet(by_ip, clientConfig("127.0.0.1")), "open");
  EXPECT_EQ(server.info().server_name, "");  // RFC 6066: an address is no server name
  EXPECT_SAYS(meet(by_ip, clientConfig("127.0.0.2")), "not for 127.0.0.2");
  EXPECT_SAYS(meet(authority.leaf({{GEN_DNS, "127.0.0.1"}}), clientConfig("127.0.0.1")), "not for 127.0.0.1");
}

TEST(DnsNameMatchesTest, TheWildcardIsOneWholeLabel) {
  struct Case {
    const char* pattern;
    const char* name;
    bool matches;
  };
  const Case cases[] = {
      {"a.example", "a.example", true},
      {"a.example", "A.EXAMPLE", true},
      {"a.example", "a.example.", true},
      {"a.example", "b.example", false},
      {"a.example", "a.example.com", false},
      {"*.example.com", "a.example.com", true},
      {"*.example.com", "a.b.example.com", false},
      {"*.example.com", "example.com", false},
      {"*.example.com", ".example.com", false},
      {"*.com", "a.com", false},
      {"*", "a", false},
      {"*.", "a.", false},
      {"a*.example.com", "ab.example.com", false},
      {"*a.example.com", "ba.example.com", false},
      {"w.*.example.com", "w.a.example.com", false},
      {"*.*.example.com", "a.b.example.com", false},
      {"", "", false},
      {"a.example", "", false},
  };
  for (const Case& c : cases) EXPECT_EQ(dnsNameMatches(c.pattern, c.name), c.matches) << c.pattern << " " << c.name;
}

// --- clients ---

TEST_F(VerifyTest, ARequiredClientCertificateMustBeShownAndGood) {
  const TestCertificate good = authority.leaf({{GEN_URI, "spiffe://mesh/client"}});
  EXPECT_EQ(admit(&good, mutualConfig()), "open");
  ASSERT_NE(server.info().peer, nullptr);
  EXPECT_TRUE(server.info().verified);
  EXPECT_EQ(server.info().peer->uris, std::vector<std::string>{"spiffe://mesh/client"});
  EXPECT_EQ(server.socket->peerCertificatePem(false), good.pem);
  EXPECT_EQ(server.info().peer->serial.size() % 2, 0u);
  EXPECT_SAYS(admit(nullptr, mutualConfig()), "the peer showed no certificate, and one is required");
  EXPECT_EQ(server.count(server.stats.fail_verify_no_cert), 1u);
  const TestAuthority stranger;
  const TestCertificate foreign = stranger.leaf({});
  EXPECT_SAYS(admit(&foreign, mutualConfig()), "the peer's certificate is not accepted: ");
  EXPECT_EQ(server.count(server.stats.fail_verify_error), 1u);
}

TEST_F(VerifyTest, AClientThatIsRefusedIsToldSo) {
  EXPECT_SAYS(admit(nullptr, mutualConfig()), "no certificate");
  // TLS 1.3: the client was open when it was refused.
  EXPECT_EQ(client.session.opens, 1);
  EXPECT_EQ(client.session.closed, CloseReason::kRemoteReset);
  EXPECT_SAYS(client.info().failure, "alert 'certificate required'");
}

TEST_F(VerifyTest, AnOptionalClientCertificateIsCheckedWhenItIsThere) {
  ServerConfig config = mutualConfig();
  config.require_client_certificate = false;
  EXPECT_EQ(admit(nullptr, config), "open");
  EXPECT_EQ(server.info().peer, nullptr);
  const TestAuthority stranger;
  const TestCertificate foreign = stranger.leaf({});
  EXPECT_SAYS(admit(&foreign, config), "not accepted");
  config.validation->accept_untrusted = true;
  EXPECT_EQ(admit(&foreign, config), "open");
  EXPECT_NE(server.info().peer, nullptr);
  EXPECT_FALSE(server.info().verified);
}

TEST_F(VerifyTest, AClientsNameMayBeAskedFor) {
  ServerConfig config = mutualConfig();
  config.validation->names = {SanMatcher(SanType::kUri, Kind::kPrefix, "spiffe://mesh/", false)};
  const TestCertificate inside = authority.leaf({{GEN_URI, "spiffe://mesh/a"}});
  const TestCertificate outside = authority.leaf({{GEN_URI, "spiffe://other/a"}});
  EXPECT_EQ(admit(&inside, config), "open");
  EXPECT_SAYS(admit(&outside, config), "the certificate is for spiffe://other/a, which no matcher allows");
  EXPECT_EQ(server.count(server.stats.fail_verify_san), 1u);
}

}  // namespace
}  // namespace weir::net::tls
