// Reads what certificates say: names, times, fingerprints. Works on parsed certificates and never fails: what is not
// there or not readable comes out empty. Any thread.
#pragma once

#include <openssl/x509.h>

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "source/net/tls/san_matcher.h"
#include "source/net/tls/tls_config.h"
#include "source/net/transport_info.h"

namespace weir::net::tls {

SubjectNames readNames(const X509* certificate);
// The common name of the subject; only for choosing one of our own certificates, never to check a peer's.
std::string commonName(const X509* certificate);
// None when `time` is not a valid time.
std::optional<absl::Time> readTime(const ASN1_TIME* time);
Sha256 certificateHash(const X509* certificate);
Sha256 spkiHash(const X509* certificate);
std::string pem(X509* certificate);
PeerCertificate describe(X509* certificate);
std::string hex(const unsigned char* bytes, size_t size);

}  // namespace weir::net::tls
