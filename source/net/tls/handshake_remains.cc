#include "source/net/tls/handshake_remains.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "source/net/tls/openssl_error.h"

namespace weir::net::tls {
namespace {

// What is done here follows from the sources of this version; of another one they would have to be read again.
bool isKnownVersion() { return OPENSSL_version_major() == 3 && OPENSSL_version_minor() == 0; }

// OpenSSL keeps the object until the connection ends. A new type empties it, and cleanses what was in it.
void forgetKey(EVP_PKEY* key) {
  EVP_PKEY_set_type(key, EVP_PKEY_X25519);
  EVP_PKEY_free(key);
}

}  // namespace

void HandshakeRemains::drop(SSL* ssl) {
  if (SSL_version(ssl) != TLS1_3_VERSION || !isKnownVersion()) return;
  EVP_PKEY* key = nullptr;
  if (SSL_get_peer_tmp_key(ssl, &key) == 1) forgetKey(key);
  if (SSL_get_tmp_key(ssl, &key) == 1) forgetKey(key);
  if (SSL_get0_peer_certificate(ssl) == nullptr) {
    SSL_CTX* const empty = emptyContext(ssl);
    if (empty != nullptr && SSL_set_SSL_CTX(ssl, empty) == empty) {
      // An unfinished connection would take its session out of the cache with it.
      const int shut = SSL_get_shutdown(ssl);
      SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN);
      SSL_set_session(ssl, nullptr);
      SSL_set_shutdown(ssl, shut);
    }
  }
  dropOpensslErrors();
}

// SSL_set_session() starts a connection anew when its context is for other versions than have been agreed on. So it
// is given one for that very version first; its own context served for the handshake only.
SSL_CTX* HandshakeRemains::emptyContext(const SSL* ssl) {
  std::call_once(made_, [&] { empty_.reset(SSL_CTX_new(SSL_get_ssl_method(ssl))); });
  return empty_.get();
}

}  // namespace weir::net::tls
