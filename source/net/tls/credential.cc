#include "source/net/tls/credential.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>
#include <climits>
#include <cstring>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "source/net/tls/openssl_error.h"
#include "source/net/tls/x509_text.h"

namespace weir::net::tls {
namespace {

using Part = Problem::Part;

OpensslPtr<BIO> reader(const std::string& text) {
  return OpensslPtr<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(std::min<size_t>(text.size(), INT_MAX))));
}

struct Password {
  const std::string& text;
  bool asked = false;
};

// Without it OpenSSL would ask the terminal.
int givePassword(char* out, int size, int, void* arg) {
  auto& password = *static_cast<Password*>(arg);
  password.asked = true;
  const int length = static_cast<int>(password.text.size());
  if (length == 0 || length > size) return -1;
  std::memcpy(out, password.text.data(), password.text.size());
  return length;
}

OpensslPtr<EVP_PKEY> parseKey(const Certificate& certificate, size_t index, Problems& problems) {
  Password password{certificate.password};
  OpensslPtr<EVP_PKEY> key(
      PEM_read_bio_PrivateKey(reader(certificate.private_key).get(), nullptr, &givePassword, &password));
  if (key != nullptr) {
    dropOpensslErrors();
    return key;
  }
  const std::string reason = takeOpensslError();
  std::string message;
  if (password.asked) {
    message = certificate.password.empty() ? "the private key is encrypted, and no password is given"
                                           : absl::StrCat("the password does not open the private key: ", reason);
  } else if (!absl::StrContains(certificate.private_key, "PRIVATE KEY-----")) {
    message = "no private key in PEM form ('-----BEGIN PRIVATE KEY-----')";
  } else {
    message = absl::StrCat("the private key cannot be read: ", reason);
  }
  problems.push_back({Part::kPrivateKey, index, std::move(message)});
  return nullptr;
}

// When a response that covers `leaf` stops to be good; none after a problem.
std::optional<absl::Time> checkStaple(const std::string& der, const Credential& credential, size_t index,
                                      Problems& problems) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const OpensslPtr<OCSP_RESPONSE> response(d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(der.size())));
  const OpensslPtr<OCSP_BASICRESP> basic(response == nullptr ? nullptr : OCSP_response_get1_basic(response.get()));
  if (basic == nullptr) {
    dropOpensslErrors();
    problems.push_back({Part::kOcspStaple, index, "this is not a successful OCSP response in DER form"});
    return std::nullopt;
  }
  for (int i = 0; i < OCSP_resp_count(basic.get()); ++i) {
    OCSP_SINGLERESP* const single = OCSP_resp_get0(basic.get(), i);
    ASN1_INTEGER* serial = nullptr;
    OCSP_id_get0_info(nullptr, nullptr, nullptr, &serial, const_cast<OCSP_CERTID*>(OCSP_SINGLERESP_get0_id(single)));
    if (serial == nullptr || ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(credential.leaf.get())) != 0) continue;
    ASN1_GENERALIZEDTIME* next = nullptr;
    if (OCSP_single_get0_status(single, nullptr, nullptr, nullptr, &next) != V_OCSP_CERTSTATUS_GOOD) {
      problems.push_back({Part::kOcspStaple, index, "the OCSP response says that the certificate is not good"});
      return std::nullopt;
    }
    return readTime(next).value_or(absl::InfiniteFuture());
  }
  problems.push_back({Part::kOcspStaple, index, "the OCSP response is about another certificate"});
  return std::nullopt;
}

}  // namespace

std::optional<std::vector<X509Ptr>> parseCertificates(const std::string& text, Part part, size_t index,
                                                      Problems& problems) {
  const OpensslPtr<BIO> bio = reader(text);
  std::vector<X509Ptr> certificates;
  while (X509* const next = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) certificates.emplace_back(next);
  const unsigned long last = ERR_peek_last_error();
  const bool at_end = ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
  const std::string reason = takeOpensslError();
  if (!at_end) {
    problems.push_back(
        {part, index, absl::StrCat("certificate ", certificates.size() + 1, " cannot be read: ", reason)});
    return std::nullopt;
  }
  if (certificates.empty()) {
    problems.push_back({part, index, "no certificate in PEM form ('-----BEGIN CERTIFICATE-----')"});
    return std::nullopt;
  }
  return certificates;
}

std::optional<Credential> Credential::load(const Certificate& certificate, size_t index, Problems& problems) {
  auto chain = parseCertificates(certificate.chain, Part::kCertificate, index, problems);
  OpensslPtr<EVP_PKEY> key = parseKey(certificate, index, problems);
  if (!chain.has_value() || key == nullptr) return std::nullopt;
  Credential credential;
  credential.leaf = std::move(chain->front());
  chain->erase(chain->begin());
  credential.chain = *std::move(chain);
  credential.key = std::move(key);
  credential.key_type = EVP_PKEY_get_base_id(credential.key.get());
  if (X509_check_private_key(credential.leaf.get(), credential.key.get()) != 1) {
    problems.push_back({Part::kPrivateKey, index,
                        absl::StrCat("the private key is not that of the certificate: ", takeOpensslError())});
    return std::nullopt;
  }
  for (const SubjectNames::Name& name : readNames(credential.leaf.get()).all) {
    if (name.type == SanType::kDns) credential.names.push_back(absl::AsciiStrToLower(name.text));
  }
  if (credential.names.empty()) {
    const std::string name = commonName(credential.leaf.get());
    if (!name.empty()) credential.names.push_back(absl::AsciiStrToLower(name));
  }
  if (!certificate.ocsp_staple.empty()) {
    const auto expires = checkStaple(certificate.ocsp_staple, credential, index, problems);
    if (!expires.has_value()) return std::nullopt;
    credential.ocsp_staple = certificate.ocsp_staple;
    credential.staple_expires = *expires;
  }
  return credential;
}

bool Credential::use(SSL_CTX* context, size_t index, Problems& problems) const {
  bool used = SSL_CTX_use_certificate(context, leaf.get()) == 1 && SSL_CTX_use_PrivateKey(context, key.get()) == 1;
  for (const X509Ptr& link : chain) used = used && SSL_CTX_add1_chain_cert(context, link.get()) == 1;
  if (used) return true;
  problems.push_back({Part::kCertificate, index, absl::StrCat("the certificate cannot be used: ", takeOpensslError())});
  return false;
}

}  // namespace weir::net::tls
