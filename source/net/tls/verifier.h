// Verifier: checks the certificate that a peer shows against one Validation: its chain, its pins, its names. Made at
// load, then immutable and shared by workers; must outlive the contexts that it was applied to. The time it goes by is
// that of the connection's dispatcher. Reads the peer's certificates only; nothing is fetched.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "source/net/tls/connection_state.h"
#include "source/net/tls/openssl_ptr.h"
#include "source/net/tls/tls_config.h"

namespace weir::net::tls {

// Whether one of `names` is `expected`: a DNS name, or an IP address in any form. The common name does not count.
bool isNamed(const SubjectNames& names, std::string_view expected);

class Verifier {
 public:
  // Null after problems were noted.
  static std::unique_ptr<const Verifier> create(const Validation& validation, Problems& problems);

  // From now on `context` checks its peers here. `mode` is that of SSL_CTX_set_verify.
  void apply(SSL_CTX* context, int mode) const;
  // Tells clients which authorities a server trusts.
  void offerAuthorities(SSL_CTX* context) const;
  // Everything that the outcome depends on, for telling policies apart.
  std::string fingerprint() const;

 private:
  using Check = ConnectionState::Check;

  explicit Verifier(const Validation& validation) : validation_(validation) {}
  bool loadAuthorities(Problems& problems);
  bool loadRevocations(Problems& problems);
  static int onVerify(X509_STORE_CTX* context, void* self);
  bool verify(X509_STORE_CTX* context, ConnectionState& state, bool peer_is_server) const;
  bool pinned(const X509* leaf) const;
  bool chainGood(X509_STORE_CTX* context, bool peer_is_server) const;

  Validation validation_;
  OpensslPtr<X509_STORE> store_;  // null: no chain is checked
  OpensslPtr<STACK_OF(X509_NAME)> authorities_;
};

}  // namespace weir::net::tls
