// Credential: one certificate of our own with its chain and key, parsed and found to fit together. Made at load;
// immutable. `matches` says what it can be shown for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "source/net/tls/openssl_ptr.h"
#include "source/net/tls/tls_config.h"

namespace weir::net::tls {

struct Credential {
  X509Ptr leaf;
  std::vector<X509Ptr> chain;
  OpensslPtr<EVP_PKEY> key;
  int key_type = 0;                // EVP_PKEY_RSA, EVP_PKEY_EC, ...
  std::vector<std::string> names;  // DNS names, lower case; the common name when there are none
  std::string ocsp_staple;         // DER
  absl::Time staple_expires = absl::InfiniteFuture();

  // None after problems were noted under `index`.
  static std::optional<Credential> load(const Certificate& certificate, size_t index, Problems& problems);
  // Puts it into the slot that `context` has for its type of key. False after a problem was noted.
  bool use(SSL_CTX* context, size_t index, Problems& problems) const;
};

// The certificates of a PEM text; none after a problem was noted.
std::optional<std::vector<X509Ptr>> parseCertificates(const std::string& text, Problem::Part part, size_t index,
                                                      Problems& problems);

}  // namespace weir::net::tls
