// ClientContext: everything that the client side of TLS connections to one cluster has in common: our certificate, the
// check of the server's, ALPN, sessions to resume. Made at load on the main thread; const, shared by all workers and
// by their sockets; only the SessionCache changes, under its lock.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "source/net/tls/connection_state.h"
#include "source/net/tls/credential.h"
#include "source/net/tls/key_log.h"
#include "source/net/tls/openssl_ptr.h"
#include "source/net/tls/session_cache.h"
#include "source/net/tls/tls_config.h"
#include "source/net/tls/verifier.h"

namespace weir::net::tls {

class ClientContext {
 public:
  struct Result {
    std::shared_ptr<const ClientContext> context;  // null when there are problems
    Problems problems;
  };
  static Result create(const ClientConfig& config);
  ClientContext(const ClientContext&) = delete;
  ClientContext& operator=(const ClientContext&) = delete;

  // A connection to the host of that name (may be empty) at `address`; fills in what `state` is to check and where
  // sessions go, and attaches it. The context must outlive it.
  SslPtr newSsl(std::string_view host_name, std::string_view address, ConnectionState& state) const;
  // None or one.
  std::span<const Credential> credentials() const {
    return credential_ ? std::span<const Credential>(&*credential_, 1) : std::span<const Credential>();
  }

 private:
  explicit ClientContext(const ClientConfig& config) : config_(config), sessions_(config.sessions_per_host) {}
  void build(Problems& problems);
  void checkNames(Problems& problems) const;
  static int onSession(SSL* ssl, SSL_SESSION* session);

  ClientConfig config_;
  std::optional<Credential> credential_;
  std::unique_ptr<const Verifier> verifier_;
  std::unique_ptr<KeyLog> key_log_;
  SslContextPtr context_;
  mutable SessionCache sessions_;
};

}  // namespace weir::net::tls
