// A connection goes on as before when its handshake's remains are gone, and its session is resumed.

#include "source/net/tls/handshake_remains.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <string>

#include "test/net/tls/test_certificates.h"

namespace weir::net::tls {
namespace {

SslContextPtr contextWith(const TestCertificate& leaf, const SSL_METHOD* method) {
  SslContextPtr context(SSL_CTX_new(method));
  const OpensslPtr<BIO> certificate(BIO_new_mem_buf(leaf.pem.data(), -1));
  const OpensslPtr<BIO> key(BIO_new_mem_buf(leaf.key_pem.data(), -1));
  const X509Ptr parsed(PEM_read_bio_X509(certificate.get(), nullptr, nullptr, nullptr));
  const OpensslPtr<EVP_PKEY> parsed_key(PEM_read_bio_PrivateKey(key.get(), nullptr, nullptr, nullptr));
  EXPECT_EQ(SSL_CTX_use_certificate(context.get(), parsed.get()), 1);
  EXPECT_EQ(SSL_CTX_use_PrivateKey(context.get(), parsed_key.get()), 1);
  return context;
}

class HandshakeRemainsTest : public testing::Test {
 protected:
  void SetUp() override { SSL_CTX_set_session_cache_mode(client_context.get(), SSL_SESS_CACHE_CLIENT); }
  void open(SSL_SESSION* session = nullptr) {
    client.reset(SSL_new(client_context.get()));
    server.reset(SSL_new(server_context.get()));
    BIO* mine = nullptr;
    BIO* peers = nullptr;
    ASSERT_EQ(BIO_new_bio_pair(&mine, 0, &peers, 0), 1);
    SSL_set_bio(client.get(), mine, mine);
    SSL_set_bio(server.get(), peers, peers);
    SSL_set_connect_state(client.get());
    SSL_set_accept_state(server.get());
    if (session != nullptr) {
      ASSERT_EQ(SSL_set_session(client.get(), session), 1);
    }
    for (int i = 0; i < 10; ++i) {
      SSL_do_handshake(client.get());
      SSL_do_handshake(server.get());
    }
    ASSERT_EQ(SSL_is_init_finished(client.get()), 1);
    ASSERT_EQ(SSL_is_init_finished(server.get()), 1);
  }
  static void carry(SSL* from, SSL* to, const std::string& text) {
    ASSERT_EQ(SSL_write(from, text.data(), static_cast<int>(text.size())), static_cast<int>(text.size()));
    std::string got(text.size(), '\0');
    ASSERT_EQ(SSL_read(to, got.data(), static_cast<int>(got.size())), static_cast<int>(text.size()));
    EXPECT_EQ(got, text);
  }
  void exchange() {
    carry(client.get(), server.get(), "ping");
    carry(server.get(), client.get(), std::string(10000, 'p'));
  }

  TestAuthority authority;
  SslContextPtr server_context = contextWith(authority.leaf({{GEN_DNS, "a.example"}}), TLS_server_method());
  SslContextPtr client_context{SSL_CTX_new(TLS_client_method())};
  SslPtr client;
  SslPtr server;
  HandshakeRemains remains;
};

TEST_F(HandshakeRemainsTest, BytesKeyUpdatesAndTheEndGoOnWithoutThem) {
  for (int round = 0; round < 2; ++round) {
    open();
    const std::string cipher = SSL_get_cipher_name(server.get());
    remains.drop(server.get());
    exchange();
    // New keys, asked for by either side, answered by the other.
    for (SSL* const side : {client.get(), server.get()}) {
      ASSERT_EQ(SSL_key_update(side, SSL_KEY_UPDATE_REQUESTED), 1);
      exchange();
      exchange();
    }
    EXPECT_EQ(SSL_shutdown(server.get()), 0);
    char byte;
    EXPECT_EQ(SSL_read(client.get(), &byte, 1), 0);
    EXPECT_EQ(SSL_get_error(client.get(), 0), SSL_ERROR_ZERO_RETURN);
    EXPECT_EQ(SSL_shutdown(client.get()), 1);
    EXPECT_EQ(SSL_shutdown(server.get()), 1);
  }
}

TEST_F(HandshakeRemainsTest, ItDropsTheSessionAndTheClientMayResumeIt) {
  for (const long stateless : {0L, static_cast<long>(SSL_OP_NO_TICKET)}) {
    SSL_CTX_set_options(server_context.get(), static_cast<uint64_t>(stateless));
    open();
    remains.drop(server.get());
    EXPECT_EQ(SSL_get_session(server.get()), nullptr);
    exchange();
    const OpensslPtr<SSL_SESSION> session(SSL_get1_session(client.get()));
    SSL_set_shutdown(client.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);  // or it would count as broken
    open(session.get());
    EXPECT_EQ(SSL_session_reused(server.get()), 1);
    remains.drop(server.get());
    EXPECT_EQ(SSL_session_reused(server.get()), 1);
    exchange();
  }
}

TEST_F(HandshakeRemainsTest, ForgedBytesAndALostPeerAreFound) {
  open();
  remains.drop(server.get());
  BIO_write(SSL_get_wbio(client.get()),
            "\x17\x03\x03\x00\x14"
            "forged forged forged",
            25);
  char byte;
  EXPECT_EQ(SSL_read(server.get(), &byte, 1), -1);
  EXPECT_EQ(SSL_get_error(server.get(), -1), SSL_ERROR_SSL);
  EXPECT_EQ(SSL_read(client.get(), &byte, 1), 0);
  EXPECT_EQ(SSL_get_error(client.get(), 0), SSL_ERROR_SSL);  // the alert says so
}

TEST_F(HandshakeRemainsTest, APeersCertificateAndOlderVersionsAreLeftAlone) {
  SSL_CTX_set_max_proto_version(client_context.get(), TLS1_2_VERSION);
  open();
  remains.drop(server.get());
  EXPECT_NE(SSL_get_session(server.get()), nullptr);
  exchange();
  client_context = contextWith(authority.leaf({{GEN_URI, "spiffe://mesh/a"}}), TLS_client_method());
  SSL_CTX_set_verify(server_context.get(), SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
  open();
  remains.drop(server.get());
  ASSERT_NE(SSL_get0_peer_certificate(server.get()), nullptr);
  exchange();
}

}  // namespace
}  // namespace weir::net::tls
