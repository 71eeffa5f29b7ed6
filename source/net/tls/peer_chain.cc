#include "source/net/tls/peer_chain.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "source/net/tls/x509_text.h"

namespace weir::net::tls {
namespace {

class OpensslPeerChain final : public PeerChain {
 public:
  explicit OpensslPeerChain(std::vector<X509Ptr> certificates) : certificates_(std::move(certificates)) {}

  std::string pem() const override { return tls::pem(certificates_.front().get()); }
  std::vector<Link> links() const override {
    std::vector<Link> all;
    for (const X509Ptr& one : certificates_) {
      PeerCertificate says = describe(one.get());
      all.push_back({std::move(says.sha256_fingerprint), std::move(says.sha1_fingerprint), std::move(says.serial)});
    }
    return all;
  }

 private:
  const std::vector<X509Ptr> certificates_;  // the peer's own first
};

X509Ptr hold(X509* certificate) {
  X509_up_ref(certificate);
  return X509Ptr(certificate);
}

}  // namespace

// A client's chain begins with the server's own certificate, a server's chain leaves the client's out.
std::shared_ptr<const PeerChain> keepPeerChain(SSL* ssl) {
  X509* const own = SSL_get0_peer_certificate(ssl);
  if (own == nullptr) return nullptr;
  std::vector<X509Ptr> certificates;
  STACK_OF(X509)* const rest = SSL_get_peer_cert_chain(ssl);
  certificates.reserve(1 + static_cast<size_t>(std::max(0, sk_X509_num(rest))));
  certificates.push_back(hold(own));
  for (int i = SSL_is_server(ssl) != 0 ? 0 : 1; i < sk_X509_num(rest); ++i) {
    certificates.push_back(hold(sk_X509_value(rest, i)));
  }
  return std::make_shared<const OpensslPeerChain>(std::move(certificates));
}

}  // namespace weir::net::tls
