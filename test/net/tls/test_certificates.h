// Certificates for tests, made on the spot: a few authorities and leaves with whatever names, times and uses a test
// wants, also those that a real authority would never sign. Good from 2025 to 2050 unless a spec says otherwise, which
// holds for the simulated clock (2026) and for the machine's.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "source/net/tls/openssl_ptr.h"
#include "source/net/tls/tls_config.h"

namespace weir::net::tls {

struct TestCertificate {
  X509Ptr x509;
  OpensslPtr<EVP_PKEY> key;
  std::string pem;
  std::string key_pem;

  // As a configuration has it; `above` are added to the chain.
  Certificate config(const std::vector<const TestCertificate*>& above = {}) const;
};

struct TestSpec {
  std::string common_name = "test";
  // GEN_DNS, GEN_URI, GEN_EMAIL, GEN_IPADD (raw bytes) and the text, which may hold anything.
  std::vector<std::pair<int, std::string>> names = {};
  const TestCertificate* issuer = nullptr;  // null: signs itself
  bool authority = false;
  const char* usage = "serverAuth,clientAuth";  // extended key usage; null: none
  bool rsa = false;
  absl::Time not_before = absl::FromUnixSeconds(1'735'689'600);  // 2025
  absl::Time not_after = absl::FromUnixSeconds(2'524'608'000);   // 2050
  long serial = 0;                                               // 0: the next one
  // An OTHERNAME of that object identifier with a UTF-8 string.
  std::vector<std::pair<std::string, std::string>> other_names = {};
};

TestCertificate makeCertificate(const TestSpec& spec);
// A list of `revoked` certificates of that issuer.
std::string makeCrl(const TestCertificate& issuer, const std::vector<const TestCertificate*>& revoked);
// A good response for `leaf` that ends at `next_update`.
std::string makeOcspResponse(const TestCertificate& leaf, const TestCertificate& issuer, absl::Time next_update,
                             bool revoked = false);

// What most tests need: one authority, and leaves that it signed.
struct TestAuthority {
  TestCertificate root = makeCertificate({.common_name = "root", .authority = true, .usage = nullptr});
  TestCertificate leaf(std::vector<std::pair<int, std::string>> names, TestSpec spec = {}) const {
    spec.names = std::move(names);
    spec.issuer = &root;
    return makeCertificate(spec);
  }
};

}  // namespace weir::net::tls
