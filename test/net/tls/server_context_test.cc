// What a server context makes of a configuration: which certificate, protocol and version a client gets, what is
// stapled, and what is wrong with a configuration.

#include "source/net/tls/server_context.h"

#include "source/net/tls/client_context.h"
#include "source/net/tls/x509_text.h"
#include "test/net/tls/tls_pair.h"

namespace weir::net::tls {
namespace {

using Part = Problem::Part;

class ServerContextTest : public TlsPair {
 protected:
  // The DNS name of the certificate that a client of that server name gets.
  std::string shown(const std::string& server_name) {
    ClientConfig config = clientConfig(server_name);
    config.validation = {};
    config.validation.accept_untrusted = true;
    dial(config);
    open();
    if (!isOpen()) return clientError();
    return client.info().peer->dns_names.empty() ? client.info().peer->subject : client.info().peer->dns_names.front();
  }
  static std::string only(const Problems& problems, Part part, size_t index = 0) {
    if (problems.size() != 1) return absl::StrCat(problems.size(), " problems");
    EXPECT_EQ(problems[0].part, part);
    EXPECT_EQ(problems[0].index, index);
    return problems[0].message;
  }
};

TEST_F(ServerContextTest, TheServerNameChoosesTheCertificate) {
  ServerConfig config = serverConfig();  // a.example
  const TestCertificate b = authority.leaf({{GEN_DNS, "b.example"}, {GEN_DNS, "*.b.example"}});
  const TestCertificate w = authority.leaf({{GEN_DNS, "w.b.example"}});
  const TestCertificate named = authority.leaf({}, {.common_name = "old.example"});
  for (const TestCertificate* more : {&b, &w, &named}) config.certificates.push_back(more->config());
  serve(config);
  EXPECT_EQ(shown("a.example"), "a.example");
  EXPECT_EQ(shown("B.Example"), "b.example");
  EXPECT_EQ(shown("x.b.example"), "b.example");
  EXPECT_EQ(shown("w.b.example"), "w.b.example");  // exact before wildcard
  EXPECT_EQ(shown("y.x.b.example"), "a.example");  // the first one, for names that none is for
  EXPECT_EQ(shown("unknown.example"), "a.example");
  EXPECT_EQ(shown("old.example"), "CN=old.example");
  EXPECT_EQ(shown(""), "a.example");
}

TEST_F(ServerContextTest, TheTypeOfKeyGoesByWhatTheClientCan) {
  ServerConfig config;
  config.certificates.push_back(authority.leaf({{GEN_DNS, "a.example"}}, {.common_name = "rsa", .rsa = true}).config());
  config.certificates.push_back(authority.leaf({{GEN_DNS, "a.example"}}, {.common_name = "ec"}).config());
  serve(config);
  for (const auto& [algorithm, subject] :
       {std::pair("rsa_pss_rsae_sha256", "CN=rsa"), std::pair("ecdsa_secp256r1_sha256", "CN=ec")}) {
    ClientConfig client_config = clientConfig();
    client_config.parameters.signature_algorithms = {algorithm};
    client_config.validation = {};
    client_config.validation.accept_untrusted = true;
    dial(client_config);
    open();
    ASSERT_TRUE(isOpen()) << clientError();
    EXPECT_EQ(client.info().peer->subject, subject);
  }
}

TEST_F(ServerContextTest, AServerNameMayBeRequired) {
  ServerConfig config = serverConfig();
  config.require_server_name = true;
  serve(config);
  EXPECT_EQ(shown("a.example"), "a.example");
  EXPECT_NE(shown("").find("unrecognized name"), std::string::npos);
}

TEST_F(ServerContextTest, AServerNameIsAHostNameOrRefused) {
  serve(serverConfig());
  for (const char* bad : {"a b", "a\nb", "<script>", "a/b", "\xc3\xa4.example"}) {
    EXPECT_NE(shown(bad).find("alert 'illegal parameter'"), std::string::npos) << bad;
  }
  EXPECT_EQ(shown("under_score-9.example"), "a.example");
}

TEST_F(ServerContextTest, ProtocolsAreChosenByTheServersOrder) {
  ServerConfig config = serverConfig();
  config.alpn = {"h2", "http/1.1"};
  serve(config);
  const auto agreed = [&](std::vector<std::string> offered) {
    ClientConfig client_config = clientConfig();
    client_config.alpn = std::move(offered);
    dial(client_config);
    open();
    EXPECT_TRUE(isOpen());
    EXPECT_EQ(client.info().alpn, server.info().alpn);
    return server.info().alpn;
  };
  EXPECT_EQ(agreed({"http/1.1", "h2"}), "h2");
  EXPECT_EQ(agreed({"http/1.1"}), "http/1.1");
  EXPECT_EQ(agreed({"spdy/3"}), "");  // served as if there were no ALPN
  EXPECT_EQ(agreed({}), "");
}

TEST_F(ServerContextTest, VersionsAndSuitesAreThoseThatAreConfigured) {
  ServerConfig config = serverConfig();
  config.parameters.maximum = Version::kTls12;
  config.parameters.cipher_suites = {"[ECDHE-ECDSA-AES256-GCM-SHA384|ECDHE-RSA-AES256-GCM-SHA384]",
                                     "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"};
  serve(config);
  dial(clientConfig());
  open();
  ASSERT_TRUE(isOpen());
  EXPECT_EQ(server.info().version, "TLSv1.2");
  EXPECT_EQ(server.info().cipher, "ECDHE-ECDSA-AES256-GCM-SHA384");
  EXPECT_EQ(server.count(server.stats.tls12), 1u);
  config.prefer_client_ciphers = true;
  serve(config);
  ClientConfig client_config = clientConfig();
  client_config.parameters.cipher_suites = {"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"};
  dial(client_config);
  open();
  ASSERT_TRUE(isOpen());
  EXPECT_EQ(server.info().cipher, "ECDHE-ECDSA-AES128-GCM-SHA256");
  client_config = clientConfig();
  client_config.parameters.minimum = Version::kTls13;
  dial(client_config);
  open();
  EXPECT_FALSE(isOpen());
  EXPECT_NE(serverError().find("no TLS version in common"), std::string::npos) << serverError();
  EXPECT_NE(clientError().find("alert 'protocol version'"), std::string::npos) << clientError();
}

TEST_F(ServerContextTest, NothingInCommonIsSaid) {
  ServerConfig config = serverConfig();
  config.parameters.maximum = Version::kTls12;
  config.parameters.cipher_suites = {"ECDHE-ECDSA-AES256-GCM-SHA384"};
  serve(config);
  ClientConfig client_config = clientConfig();
  client_config.parameters.cipher_suites = {"ECDHE-ECDSA-AES128-GCM-SHA256"};
  dial(client_config);
  open();
  EXPECT_EQ(serverError(), "the two sides have no cipher suite in common");
  EXPECT_NE(clientError().find("alert 'handshake failure'"), std::string::npos) << clientError();
  config = serverConfig();
  config.parameters.curves = {"P-384"};
  serve(config);
  client_config = clientConfig();
  client_config.parameters.curves = {"X25519"};
  dial(client_config);
  open();
  EXPECT_FALSE(isOpen());
  EXPECT_FALSE(serverError().empty());
}

TEST_F(ServerContextTest, TheEndOfAStapleIsKnown) {
  const absl::Time end = client.dispatcher.wallNow() + absl::Hours(1);
  ServerConfig config = serverConfig();
  config.certificates[0].ocsp_staple = makeOcspResponse(leaf, authority.root, end);
  for (const auto stapling : {ServerConfig::Stapling::kLenient, ServerConfig::Stapling::kStrict}) {
    config.stapling = stapling;
    ServerContext::Result made = ServerContext::create(config);
    ASSERT_NE(made.context, nullptr);
    EXPECT_EQ(made.context->credentials().front().staple_expires, absl::FromUnixSeconds(absl::ToUnixSeconds(end)));
  }
}

TEST_F(ServerContextTest, ABadStapleIsRefusedAtLoad) {
  const absl::Time end = absl::FromUnixSeconds(2'000'000'000);
  const TestCertificate other = authority.leaf({});
  ServerConfig config = serverConfig();
  const auto problem = [&](std::string der) {
    config.certificates[0].ocsp_staple = std::move(der);
    return only(ServerContext::create(config).problems, Part::kOcspStaple);
  };
  EXPECT_EQ(problem("junk"), "this is not a successful OCSP response in DER form");
  EXPECT_EQ(problem(makeOcspResponse(other, authority.root, end)), "the OCSP response is about another certificate");
  EXPECT_EQ(problem(makeOcspResponse(leaf, authority.root, end, true)),
            "the OCSP response says that the certificate is not good");
  config.stapling = ServerConfig::Stapling::kMust;
  EXPECT_EQ(problem(""), "the policy is MUST_STAPLE, and this certificate has no OCSP staple");
}

TEST_F(ServerContextTest, ProblemsNameTheirPart) {
  const auto problem = [&](auto change, Part part, size_t index = 0) {
    ServerConfig config = serverConfig();
    change(config);
    return only(ServerContext::create(config).problems, part, index);
  };
  EXPECT_EQ(problem([](ServerConfig& c) { c.certificates[0].chain = "nothing"; }, Part::kCertificate),
            "no certificate in PEM form ('-----BEGIN CERTIFICATE-----')");
  EXPECT_NE(problem([](ServerConfig& c) { c.certificates[0].chain += "-----BEGIN CERTIFICATE-----\nAAAA\n"; },
                    Part::kCertificate)
                .find("certificate 2 cannot be read: "),
            std::string::npos);
  EXPECT_EQ(problem([](ServerConfig& c) { c.certificates[0].private_key = ""; }, Part::kPrivateKey),
            "no private key in PEM form ('-----BEGIN PRIVATE KEY-----')");
  const TestCertificate other = authority.leaf({});
  EXPECT_EQ(problem([&](ServerConfig& c) { c.certificates[0].private_key = other.key_pem; }, Part::kPrivateKey),
            "the private key is not that of the certificate: key values mismatch");
  EXPECT_EQ(problem([](ServerConfig& c) { c.certificates.clear(); }, Part::kCertificate),
            "a server needs a certificate");
  EXPECT_EQ(problem(
                [](ServerConfig& c) {
                  c.parameters.cipher_suites = {"ECDHE-RSA-AES128-GCM-SHA256", "NOPE"};
                },
                Part::kCipherSuite, 1),
            "no cipher suite is called 'NOPE'");
  EXPECT_NE(
      problem([](ServerConfig& c) { c.parameters.cipher_suites = {"TLS_AES_128_GCM_SHA256"}; }, Part::kCipherSuite)
          .find("always on"),
      std::string::npos);
  EXPECT_EQ(problem(
                [](ServerConfig& c) {
                  c.parameters.curves = {"P-256", "P-257"};
                },
                Part::kCurve, 1),
            "no curve is called 'P-257'");
  EXPECT_EQ(problem([](ServerConfig& c) { c.parameters.signature_algorithms = {"rot13"}; }, Part::kSignatureAlgorithm),
            "no signature algorithm is called 'rot13'");
  EXPECT_EQ(problem(
                [](ServerConfig& c) {
                  c.alpn = {"h2", ""};
                },
                Part::kAlpn, 1),
            "the name of a protocol has 1 to 255 bytes");
  EXPECT_EQ(problem([](ServerConfig& c) { c.ticket_keys = {std::string(48, 'k')}; }, Part::kTicketKey),
            "a ticket key has 80 bytes, and this one 48");
  EXPECT_EQ(problem([](ServerConfig& c) { c.require_client_certificate = true; }, Part::kValidation),
            "client certificates are required, and nothing says how to check them");
  EXPECT_EQ(problem([](ServerConfig& c) { c.validation.emplace(); }, Part::kTrustedCa).find("nothing says whom"), 0u);
  EXPECT_EQ(problem([](ServerConfig& c) { c.key_log_path = "/nonexistent/x"; }, Part::kKeyLog),
            "cannot open '/nonexistent/x' for appending: No such file or directory");
  EXPECT_EQ(problem(
                [](ServerConfig& c) {
                  c.parameters.minimum = Version::kTls13;
                  c.parameters.maximum = Version::kTls12;
                },
                Part::kVersions),
            "the least version is above the greatest");
}

TEST_F(ServerContextTest, AClientMustKnowWhomToTrust) {
  ClientConfig config;
  config.server_name = "a.example";
  EXPECT_EQ(only(ClientContext::create(config).problems, Part::kTrustedCa).find("nothing says whom to trust"), 0u);
}

TEST_F(ServerContextTest, TheHostsNameMayBeTheServerName) {
  serve(serverConfig());
  ClientConfig config = clientConfig("");
  config.host_name_as_sni = true;
  dial(config);
  open("a.example");
  EXPECT_TRUE(isOpen());
  EXPECT_EQ(server.info().server_name, "a.example");
  open("b.example");
  EXPECT_NE(clientError().find("not for b.example"), std::string::npos) << clientError();
  // Without a name it is the address that must be in the certificate.
  open("");
  EXPECT_NE(clientError().find("not for 127.0.0.1"), std::string::npos) << clientError();
}

}  // namespace
}  // namespace weir::net::tls
