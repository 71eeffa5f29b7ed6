// ServerContext: everything that the server side of TLS connections has in common: certificates by server name, the
// check of client certificates, ALPN, resumption. Made at load on the main thread; const, shared by all workers and by
// their sockets: contexts or library contexts of each worker's own cost as much. (Handshakes of two threads at once,
// OpenSSL 3.0 on two cores, µs of CPU of both sides: 609 shared, 610 and 596 with their own; resumed 311, 316 and 321;
// five runs.) OpenSSL's own locks guard the cache of sessions, TicketKeys its keys; nothing else changes.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/net/tls/credential.h"
#include "source/net/tls/key_log.h"
#include "source/net/tls/openssl_ptr.h"
#include "source/net/tls/ticket_keys.h"
#include "source/net/tls/tls_config.h"
#include "source/net/tls/verifier.h"

namespace weir::net::tls {

class ServerContext {
 public:
  struct Result {
    std::shared_ptr<const ServerContext> context;  // null when there are problems
    Problems problems;
  };
  static Result create(const ServerConfig& config);
  ServerContext(const ServerContext&) = delete;
  ServerContext& operator=(const ServerContext&) = delete;

  // A connection that waits for a client. The context must outlive it.
  SslPtr newSsl() const;
  const std::vector<Credential>& credentials() const { return credentials_; }

 private:
  // One SSL_CTX for each set of certificates that some server name leads to: at most one per type of key.
  using Identity = std::vector<size_t>;

  explicit ServerContext(const ServerConfig& config) : config_(config) {}
  void build(Problems& problems);
  bool loadCredentials(Problems& problems);
  bool checkOptions(Problems& problems);
  void buildIdentities(Problems& problems);
  SSL_CTX* contextFor(const Identity& identity, Problems& problems);
  SslContextPtr makeContext(const Identity& identity, Problems& problems) const;
  void setResumption(SSL_CTX* context) const;
  std::array<unsigned char, 32> policy() const;
  // Null when no certificate is for that name.
  SSL_CTX* find(std::string_view server_name) const;

  static ServerContext& of(SSL* ssl);
  static int onServerName(SSL* ssl, int* alert, void* self);
  static int onAlpn(SSL* ssl, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                    unsigned in_size, void* self);
  static int onStatus(SSL* ssl, void* self);
  static int onTicket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                      int seal);

  ServerConfig config_;
  std::string alpn_;  // as on the wire
  std::vector<Credential> credentials_;
  std::unique_ptr<const Verifier> verifier_;
  std::unique_ptr<TicketKeys> ticket_keys_;
  std::unique_ptr<KeyLog> key_log_;
  std::map<Identity, SslContextPtr> contexts_;
  std::map<std::string, SSL_CTX*, std::less<>> by_name_;      // "a.example"
  std::map<std::string, SSL_CTX*, std::less<>> by_wildcard_;  // ".example" for "*.example"
  SSL_CTX* default_ = nullptr;
};

}  // namespace weir::net::tls
