// HandshakeRemains: gives back what OpenSSL keeps of a server's TLS 1.3 handshake for no later use: the session, whose
// tickets are on their way, and the ephemeral keys. That is 1.6 KiB of a connection's 16, and the private key of an
// exchange is forgotten when it has been used. One for all connections of a transport, shared by workers.
#pragma once

#include <openssl/ssl.h>

#include <mutex>

#include "source/net/tls/openssl_ptr.h"

namespace weir::net::tls {

class HandshakeRemains {
 public:
  // `ssl` is a server's, its handshake is done, and no callback is wanted any more. What is known of the session (its
  // identity, the peer's certificate) must have been read before; nothing is dropped where the peer showed one.
  void drop(SSL* ssl);

 private:
  SSL_CTX* emptyContext(const SSL* ssl);

  std::once_flag made_;
  SslContextPtr empty_;
};

}  // namespace weir::net::tls
