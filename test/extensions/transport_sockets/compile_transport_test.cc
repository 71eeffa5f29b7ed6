#include "source/extensions/transport_sockets/compile_transport.h"

#include <google/protobuf/any.pb.h>
#include <google/protobuf/text_format.h>

#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol.pb.h"
#include "envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/tls.pb.h"
#include "gtest/gtest.h"
#include "source/extensions/transport_sockets/tls/compile_tls.h"
#include "test/net/tls/test_certificates.h"

namespace weir::extensions {
namespace {

using envoy::extensions::transport_sockets::proxy_protocol::v3::ProxyProtocolUpstreamTransport;
using envoy::extensions::transport_sockets::raw_buffer::v3::RawBuffer;
using envoy::extensions::transport_sockets::tls::v3::DownstreamTlsContext;
using envoy::extensions::transport_sockets::tls::v3::Secret;
using envoy::extensions::transport_sockets::tls::v3::UpstreamTlsContext;

class CompileTransportTest : public testing::Test {
 protected:
  template <typename Message>
  static Message parse(const std::string& text) {
    Message message;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
    return message;
  }
  static std::string inlined(const std::string& text) {
    return absl::StrCat("{ inline_string: \"", absl::CEscape(text), "\" }");
  }
  std::string certificate(const net::tls::TestCertificate& from) const {
    return absl::StrCat("{ certificate_chain ", inlined(from.pem), " private_key ", inlined(from.key_pem), " }");
  }
  void addSecret(const std::string& text) { *secrets_.Add() = parse<Secret>(text); }

  template <typename Message>
  CompiledTransport compile(const std::string& text, bool schema_only = false) {
    diagnostics_ = {};
    google::protobuf::Any any;
    any.PackFrom(parse<Message>(text));
    const base::FieldPath root;
    const Secrets secrets(secrets_, nullptr, diagnostics_, root.at("static_resources"));
    const TransportScope scope{secrets, registry_, diagnostics_, schema_only};
    const base::FieldPath path = root.at("typed_config");
    if constexpr (std::is_same_v<Message, UpstreamTlsContext> ||
                  std::is_same_v<Message, ProxyProtocolUpstreamTransport>) {
      return compileUpstreamTransport(any, scope, "c", {}, path);
    } else {
      return compileDownstreamTransport(any, scope, "127.0.0.1_80", path);
    }
  }
  // "path: message" of the only error.
  template <typename Message>
  std::string errorOf(const std::string& text) {
    EXPECT_FALSE(compile<Message>(text).has_value());
    if (diagnostics_.all().size() != 1) return absl::StrCat(diagnostics_.all().size(), " errors");
    return absl::StrCat(diagnostics_.all()[0].path, ": ", diagnostics_.all()[0].message);
  }
  net::tls::ServerConfig serverConfig(const std::string& text) {
    diagnostics_ = {};
    const Secrets secrets(secrets_, nullptr, diagnostics_, base::FieldPath());
    const base::FieldPath path;
    return TlsCompiler(secrets, false, diagnostics_, path).server(parse<DownstreamTlsContext>(text));
  }
  net::tls::ClientConfig clientConfig(const std::string& text) {
    diagnostics_ = {};
    const Secrets secrets(secrets_, nullptr, diagnostics_, base::FieldPath());
    const base::FieldPath path;
    return TlsCompiler(secrets, false, diagnostics_, path).client(parse<UpstreamTlsContext>(text));
  }

  net::tls::TestAuthority authority_;
  net::tls::TestCertificate leaf_ = authority_.leaf({{GEN_DNS, "a.example"}});
  google::protobuf::RepeatedPtrField<Secret> secrets_;
  stats::Registry registry_;
  base::Diagnostics diagnostics_;
};

TEST_F(CompileTransportTest, PlainBytesNeedNoFactory) {
  const CompiledTransport plain = compile<RawBuffer>("");
  ASSERT_TRUE(plain.has_value());
  EXPECT_EQ(*plain, nullptr);
  EXPECT_EQ(errorOf<UpstreamTlsContext>("sni: '' common_tls_context { alpn_protocols: '' validation_context { "
                                        "trust_chain_verification: ACCEPT_UNTRUSTED } }"),
            "2 errors");  // the empty protocol, and a warning that nothing is checked
  google::protobuf::Any any;
  any.PackFrom(UpstreamTlsContext());
  const Secrets secrets;
  const base::FieldPath path;
  diagnostics_ = {};
  EXPECT_FALSE(compileDownstreamTransport(any, {secrets, registry_, diagnostics_}, "x", path).has_value());
  EXPECT_EQ(diagnostics_.all()[0].message,
            "'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext' is no transport socket for this side; "
            "allowed: envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext, "
            "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer");
}

TEST_F(CompileTransportTest, BothSidesAreMade) {
  const std::string common = absl::StrCat("common_tls_context { tls_certificates ", certificate(leaf_), " }");
  const CompiledTransport server = compile<DownstreamTlsContext>(common);
  ASSERT_TRUE(server.has_value());
  EXPECT_NE(*server, nullptr);
  const CompiledTransport client = compile<UpstreamTlsContext>(absl::StrCat(
      "sni: 'a.example' common_tls_context { validation_context { trusted_ca ", inlined(authority_.root.pem), " } }"));
  ASSERT_TRUE(client.has_value());
  EXPECT_NE(*client, nullptr);
  EXPECT_TRUE(diagnostics_.all().empty());
  EXPECT_TRUE(registry_.counterValue("cluster.c.ssl.handshake").has_value());
  EXPECT_TRUE(registry_.counterValue("listener.127.0.0.1_80.ssl.handshake").has_value());
}

TEST_F(CompileTransportTest, FieldsBecomePlainValues) {
  const net::tls::ServerConfig config = serverConfig(absl::StrCat(
      "require_client_certificate { value: true } require_sni { value: true } prefer_client_ciphers: true "
      "disable_stateless_session_resumption: true disable_stateful_session_resumption: true "
      "session_timeout { seconds: 60 } ocsp_staple_policy: STRICT_STAPLING "
      "common_tls_context { tls_params { tls_minimum_protocol_version: TLSv1_3 cipher_suites: 'A' ecdh_curves: 'B' "
      "signature_algorithms: 'C' } alpn_protocols: 'h2' key_log { path: '/x' } tls_certificates { "
      "certificate_chain { inline_string: 'chain' } private_key { inline_string: 'key' } "
      "password { inline_string: 'secret\\n' } ocsp_staple { inline_bytes: 'der' } } "
      "validation_context { trusted_ca { inline_string: 'ca' } crl { inline_string: 'crl' } max_verify_depth { value: "
      "3 } "
      "allow_expired_certificate: true only_verify_leaf_cert_crl: true trust_chain_verification: ACCEPT_UNTRUSTED "
      "match_typed_subject_alt_names { san_type: URI matcher { prefix: 'spiffe://' } } "
      "match_typed_subject_alt_names { san_type: OTHER_NAME oid: '1.2.3' matcher { safe_regex { regex: 'a.*' } } } "
      "match_subject_alt_names { exact: 'x' } } }"));
  EXPECT_TRUE(diagnostics_.ok());
  EXPECT_TRUE(config.require_client_certificate && config.require_server_name && config.prefer_client_ciphers);
  EXPECT_FALSE(config.session_tickets || config.session_cache);
  EXPECT_EQ(config.session_timeout, absl::Minutes(1));
  EXPECT_EQ(config.stapling, net::tls::ServerConfig::Stapling::kStrict);
  EXPECT_EQ(config.parameters.minimum, net::tls::Version::kTls13);
  EXPECT_EQ(config.parameters.cipher_suites, std::vector<std::string>{"A"});
  EXPECT_EQ(config.parameters.curves, std::vector<std::string>{"B"});
  EXPECT_EQ(config.parameters.signature_algorithms, std::vector<std::string>{"C"});
  EXPECT_EQ(config.alpn, std::vector<std::string>{"h2"});
  EXPECT_EQ(config.key_log_path, "/x");
  ASSERT_EQ(config.certificates.size(), 1u);
  EXPECT_EQ(config.certificates[0].chain + config.certificates[0].private_key, "chainkey");
  EXPECT_EQ(config.certificates[0].password + config.certificates[0].ocsp_staple, "secretder");
  const net::tls::Validation& validation = *config.validation;
  EXPECT_EQ(validation.trusted_ca + validation.crl, "cacrl");
  EXPECT_EQ(validation.max_depth, 3u);
  EXPECT_TRUE(validation.allow_expired && validation.crl_of_leaf_only && validation.accept_untrusted);
  ASSERT_EQ(validation.names.size(), 6u);
  EXPECT_EQ(validation.names[0].text(), "URI prefix \"spiffe://\"");
  EXPECT_EQ(validation.names[1].text(), "OTHER_NAME 1.2.3 regex \"a.*\"");
  EXPECT_EQ(validation.names[2].text(), "DNS exact \"x\"");
  EXPECT_EQ(validation.names[5].text(), "IP_ADDRESS exact \"x\"");
}

TEST_F(CompileTransportTest, UpstreamChecksAreOnUnlessTheyAreSwitchedOff) {
  const std::string file = absl::StrCat(testing::TempDir(), "/roots.pem");
  std::ofstream(file) << authority_.root.pem;
  ::setenv("SSL_CERT_FILE", file.c_str(), 1);
  net::tls::ClientConfig config = clientConfig("sni: 'a.example' max_session_keys { value: 4 }");
  EXPECT_EQ(config.validation.trusted_ca, authority_.root.pem);
  EXPECT_TRUE(config.verify_name);
  EXPECT_FALSE(config.validation.accept_untrusted);
  EXPECT_EQ(config.server_name, "a.example");
  EXPECT_EQ(config.sessions_per_host, 4u);
  // Names alone, or the machine's roots by name.
  config = clientConfig(
      "common_tls_context { validation_context { match_typed_subject_alt_names { san_type: DNS "
      "matcher { exact: 'x' } } } } auto_host_sni: true");
  EXPECT_EQ(config.validation.trusted_ca, authority_.root.pem);
  EXPECT_EQ(config.validation.names.size(), 1u);
  EXPECT_TRUE(config.host_name_as_sni);
  config = clientConfig(
      "common_tls_context { validation_context { system_root_certs {} match_typed_subject_alt_names "
      "{ san_type: DNS matcher { exact: 'x' } } } } auto_sni_san_validation: true sni: 'y'");
  EXPECT_TRUE(config.validation.names.empty());  // the server name's instead
  EXPECT_TRUE(diagnostics_.all().empty());
  config = clientConfig("common_tls_context { validation_context { trust_chain_verification: ACCEPT_UNTRUSTED } }");
  EXPECT_TRUE(config.validation.accept_untrusted);
  ASSERT_EQ(diagnostics_.all().size(), 1u);
  EXPECT_EQ(diagnostics_.all()[0].severity, base::Diagnostic::Severity::kWarning);
  EXPECT_EQ(diagnostics_.all()[0].path, "common_tls_context.validation_context.trust_chain_verification");
  EXPECT_TRUE(compile<UpstreamTlsContext>("").has_value());
  ASSERT_EQ(diagnostics_.all().size(), 1u);
  EXPECT_EQ(diagnostics_.all()[0].severity, base::Diagnostic::Severity::kWarning);
  EXPECT_EQ(diagnostics_.all()[0].path, "typed_config.common_tls_context.validation_context");
  ::unsetenv("SSL_CERT_FILE");
}

TEST_F(CompileTransportTest, PinsAreReadInTheirTwoForms) {
  const std::string hex(64, 'a');
  std::string colons;
  for (int i = 0; i < 32; ++i) colons += i == 0 ? "aa" : ":aa";
  const std::string base64 = absl::Base64Escape(std::string(32, '\xaa'));
  const net::tls::ClientConfig config = clientConfig(
      absl::StrCat("common_tls_context { validation_context { verify_certificate_hash: '", hex,
                   "' verify_certificate_hash: '", colons, "' verify_certificate_spki: '", base64, "' } }"));
  net::tls::Sha256 expected;
  expected.fill(0xaa);
  EXPECT_EQ(config.validation.certificate_hashes, (std::vector<net::tls::Sha256>{expected, expected}));
  EXPECT_EQ(config.validation.spki_pins, std::vector<net::tls::Sha256>{expected});
  EXPECT_TRUE(config.validation.trusted_ca.empty());  // the pins vouch
  clientConfig(
      "common_tls_context { validation_context { verify_certificate_hash: 'zz' verify_certificate_spki: '?' } }");
  EXPECT_EQ(diagnostics_.errors(), 2u);
}

TEST_F(CompileTransportTest, SecretsAreFoundByName) {
  addSecret(absl::StrCat("name: 'cert' tls_certificate ", certificate(leaf_)));
  addSecret(absl::StrCat("name: 'ca' validation_context { trusted_ca ", inlined(authority_.root.pem), " }"));
  addSecret(absl::StrCat("name: 'keys' session_ticket_keys { keys ", inlined(std::string(80, 'k')), " }"));
  const std::string text =
      "common_tls_context { tls_certificate_sds_secret_configs { name: 'cert' } combined_validation_context { "
      "default_validation_context { match_typed_subject_alt_names { san_type: DNS matcher { exact: 'x' } } } "
      "validation_context_sds_secret_config { name: 'ca' } } } session_ticket_keys_sds_secret_config { name: 'keys' }";
  EXPECT_TRUE(compile<DownstreamTlsContext>(text).has_value());
  const net::tls::ServerConfig config = serverConfig(text);
  EXPECT_EQ(config.certificates.at(0).chain, leaf_.pem);
  EXPECT_EQ(config.validation->trusted_ca, authority_.root.pem);
  EXPECT_EQ(config.validation->names.size(), 1u);
  EXPECT_EQ(config.ticket_keys, std::vector<std::string>{std::string(80, 'k')});
}

TEST_F(CompileTransportTest, ErrorsNameTheFieldAlsoInASecret) {
  const std::string good = certificate(leaf_);
  EXPECT_EQ(errorOf<DownstreamTlsContext>(""),
            "typed_config.common_tls_context.tls_certificates: empty; a server needs a certificate, here or in "
            "tls_certificate_sds_secret_configs");
  EXPECT_EQ(errorOf<DownstreamTlsContext>(
                "common_tls_context { tls_certificates { certificate_chain { inline_string: 'x' } private_key " +
                inlined(leaf_.key_pem) + " } }"),
            "typed_config.common_tls_context.tls_certificates[0].certificate_chain: no certificate in PEM form "
            "('-----BEGIN CERTIFICATE-----')");
  EXPECT_EQ(errorOf<DownstreamTlsContext>("common_tls_context { tls_params { cipher_suites: 'NO' } tls_certificates " +
                                          good + " }"),
            "typed_config.common_tls_context.tls_params.cipher_suites[0]: no cipher suite is called 'NO'");
  EXPECT_EQ(
      errorOf<DownstreamTlsContext>(
          "common_tls_context { tls_params { tls_minimum_protocol_version: TLSv1_0 } tls_certificates " + good + " }"),
      "typed_config.common_tls_context.tls_params.tls_minimum_protocol_version: TLSv1_0 was withdrawn and is not "
      "spoken by weir; allowed: TLS_AUTO, TLSv1_2, TLSv1_3");
  EXPECT_EQ(
      errorOf<DownstreamTlsContext>("session_ticket_keys { keys { inline_string: 'short' } } common_tls_context { "
                                    "tls_certificates " +
                                    good + " }"),
      "typed_config.session_ticket_keys.keys[0]: a ticket key has 80 bytes, and this one 5");
  EXPECT_EQ(errorOf<DownstreamTlsContext>("common_tls_context { tls_certificates " + good +
                                          " validation_context { trusted_ca { inline_string: 'x' } } }"),
            "typed_config.common_tls_context.validation_context.trusted_ca: no certificate in PEM form ('-----BEGIN "
            "CERTIFICATE-----')");
  EXPECT_EQ(errorOf<DownstreamTlsContext>("common_tls_context { tls_certificates { certificate_chain { filename: "
                                          "'/nonexistent.pem' } private_key { inline_string: 'x' } } }"),
            "typed_config.common_tls_context.tls_certificates[0].certificate_chain.filename: cannot read "
            "'/nonexistent.pem': No such file or directory");
  addSecret("name: 'cert' tls_certificate { certificate_chain " + inlined(leaf_.pem) + " private_key " +
            inlined(authority_.root.key_pem) + " }");
  EXPECT_EQ(errorOf<DownstreamTlsContext>("common_tls_context { tls_certificate_sds_secret_configs { name: 'cert' } }"),
            "static_resources.secrets[0].tls_certificate.private_key: the private key is not that of the certificate: "
            "key values mismatch");
  EXPECT_EQ(errorOf<DownstreamTlsContext>("common_tls_context { tls_certificates " + good +
                                          " validation_context_sds_secret_config { name: 'cert' } }"),
            "typed_config.common_tls_context.validation_context_sds_secret_config.name: the secret 'cert' is not a "
            "validation_context");
  EXPECT_EQ(
      errorOf<DownstreamTlsContext>("common_tls_context { tls_certificates " + good +
                                    " tls_certificate_sds_secret_configs { name: 'other' } }"),
      "typed_config.common_tls_context.tls_certificate_sds_secret_configs[0].name: static_resources has no secret "
      "'other'; it has cert");
  addSecret("name: 'cert'");
  compile<DownstreamTlsContext>("common_tls_context { tls_certificates " + good + " }");
  ASSERT_EQ(diagnostics_.errors(), 1u);
  EXPECT_EQ(diagnostics_.all()[0].path, "static_resources.secrets[1].name");
}

TEST_F(CompileTransportTest, ASchemaCheckReadsNoFile) {
  const CompiledTransport checked = compile<DownstreamTlsContext>(
      "common_tls_context { key_log { path: '/nonexistent/x' } tls_certificates { certificate_chain { filename: '/a' } "
      "private_key { filename: '/b' } } validation_context { trusted_ca { filename: '/c' } } }",
      true);
  ASSERT_TRUE(checked.has_value());
  EXPECT_EQ(*checked, nullptr);
  EXPECT_TRUE(compile<UpstreamTlsContext>("sni: 'x'", true).has_value());
}

TEST_F(CompileTransportTest, AProxyHeaderGoesInFrontOfAnyTransport) {
  const auto around = [](const google::protobuf::Message& inner, const std::string& config) {
    ProxyProtocolUpstreamTransport message;
    message.mutable_transport_socket()->mutable_typed_config()->PackFrom(inner);
    std::string text;
    google::protobuf::TextFormat::PrintToString(message, &text);
    return absl::StrCat("config {", config, "} ", text);
  };
  const RawBuffer raw;
  const auto tls = parse<UpstreamTlsContext>("sni: 'x' common_tls_context { validation_context { trusted_ca " +
                                             inlined(authority_.root.pem) + " } }");
  const CompiledTransport plain = compile<ProxyProtocolUpstreamTransport>(around(raw, ""));
  ASSERT_TRUE(plain.has_value() && *plain != nullptr);
  EXPECT_TRUE((*plain)->tellsClient());
  EXPECT_FALSE((*plain)->protects());
  const CompiledTransport safe =
      compile<ProxyProtocolUpstreamTransport>(around(tls, "version: V2 added_tlvs { type: 224 value: 'a' }"));
  ASSERT_TRUE(safe.has_value() && *safe != nullptr);
  EXPECT_TRUE((*safe)->protects());
  EXPECT_EQ(errorOf<ProxyProtocolUpstreamTransport>(around(raw, "added_tlvs { type: 1 }")),
            "typed_config.config.added_tlvs: given with version V1, which has none; allowed: with version V2");
  EXPECT_EQ(errorOf<ProxyProtocolUpstreamTransport>(
                around(raw, "version: V2 added_tlvs { type: 1 value: '" + std::string(65497, 'x') + "' }")),
            "typed_config.config.added_tlvs: 65500 bytes in all; allowed: 65499, with 3 for each");
  EXPECT_EQ(errorOf<ProxyProtocolUpstreamTransport>(around(ProxyProtocolUpstreamTransport(), "")),
            "typed_config.transport_socket.typed_config: a second header inside the first; allowed: one");
  google::protobuf::Any any;
  any.PackFrom(parse<ProxyProtocolUpstreamTransport>(around(raw, "")));
  EXPECT_FALSE(protectsBytes(any));
  any.PackFrom(parse<ProxyProtocolUpstreamTransport>(around(tls, "")));
  EXPECT_TRUE(protectsBytes(any));
}

}  // namespace
}  // namespace weir::extensions
