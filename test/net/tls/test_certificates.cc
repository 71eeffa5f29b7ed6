#include "test/net/tls/test_certificates.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "source/base/check.h"

namespace weir::net::tls {
namespace {

std::string taken(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<size_t>(size));
}

GENERAL_NAME* generalName(int type, const std::string& text) {
  GENERAL_NAME* const name = GENERAL_NAME_new();
  ASN1_STRING* const value = type == GEN_IPADD ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
  ASN1_STRING_set(value, text.data(), static_cast<int>(text.size()));
  GENERAL_NAME_set0_value(name, type, value);
  return name;
}

GENERAL_NAME* otherName(const std::string& oid, const std::string& text) {
  GENERAL_NAME* const name = GENERAL_NAME_new();
  ASN1_STRING* const value = ASN1_UTF8STRING_new();
  ASN1_STRING_set(value, text.data(), static_cast<int>(text.size()));
  ASN1_TYPE* const any = ASN1_TYPE_new();
  ASN1_TYPE_set(any, V_ASN1_UTF8STRING, value);
  GENERAL_NAME_set0_othername(name, OBJ_txt2obj(oid.c_str(), 1), any);
  return name;
}

void addExtension(X509* certificate, X509* issuer, int nid, const char* text) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, nid, text);
  CHECK(extension != nullptr, "a test gives extensions that OpenSSL knows");
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

void addNames(X509* certificate, const TestSpec& spec) {
  if (spec.names.empty() && spec.other_names.empty()) return;
  const OpensslPtr<GENERAL_NAMES> list(sk_GENERAL_NAME_new_null());
  for (const auto& [type, text] : spec.names) sk_GENERAL_NAME_push(list.get(), generalName(type, text));
  for (const auto& [oid, text] : spec.other_names) sk_GENERAL_NAME_push(list.get(), otherName(oid, text));
  CHECK(X509_add1_ext_i2d(certificate, NID_subject_alt_name, list.get(), 0, 0) == 1, "names can be encoded");
}

long nextSerial() {
  static long serial = 1000;
  return ++serial;
}

}  // namespace

Certificate TestCertificate::config(const std::vector<const TestCertificate*>& above) const {
  Certificate certificate;
  certificate.chain = pem;
  for (const TestCertificate* link : above) certificate.chain += link->pem;
  certificate.private_key = key_pem;
  return certificate;
}

TestCertificate makeCertificate(const TestSpec& spec) {
  TestCertificate made;
  made.key.reset(spec.rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"));
  made.x509.reset(X509_new());
  X509* const x = made.x509.get();
  X509* const issuer = spec.issuer == nullptr ? x : spec.issuer->x509.get();
  X509_set_version(x, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x), spec.serial != 0 ? spec.serial : nextSerial());
  X509_time_adj_ex(X509_getm_notBefore(x), 0, 0, std::make_unique<time_t>(absl::ToTimeT(spec.not_before)).get());
  X509_time_adj_ex(X509_getm_notAfter(x), 0, 0, std::make_unique<time_t>(absl::ToTimeT(spec.not_after)).get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(spec.common_name.data()),
                             static_cast<int>(spec.common_name.size()), -1, 0);
  X509_set_issuer_name(x, X509_get_subject_name(issuer));
  X509_set_pubkey(x, made.key.get());
  addExtension(x, issuer, NID_basic_constraints, spec.authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  addExtension(x, issuer, NID_subject_key_identifier, "hash");
  if (spec.usage != nullptr) addExtension(x, issuer, NID_ext_key_usage, spec.usage);
  addNames(x, spec);
  EVP_PKEY* const signer = spec.issuer == nullptr ? made.key.get() : spec.issuer->key.get();
  CHECK(X509_sign(x, signer, EVP_sha256()) > 0, "a test's certificate can be signed");
  const OpensslPtr<BIO> out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(out.get(), x);
  made.pem = taken(out.get());
  const OpensslPtr<BIO> key_out(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(key_out.get(), made.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  made.key_pem = taken(key_out.get());
  return made;
}

std::string makeCrl(const TestCertificate& issuer, const std::vector<const TestCertificate*>& revoked) {
  X509_CRL* const crl = X509_CRL_new();
  X509_CRL_set_version(crl, X509_CRL_VERSION_2);
  X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer.x509.get()));
  ASN1_TIME* const time = ASN1_TIME_set(nullptr, 1'735'689'600);
  X509_CRL_set1_lastUpdate(crl, time);
  for (const TestCertificate* certificate : revoked) {
    X509_REVOKED* const entry = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(certificate->x509.get()));
    X509_REVOKED_set_revocationDate(entry, time);
    X509_CRL_add0_revoked(crl, entry);
  }
  ASN1_TIME_set(time, 2'524'608'000);
  X509_CRL_set1_nextUpdate(crl, time);
  ASN1_TIME_free(time);
  X509_CRL_sign(crl, issuer.key.get(), EVP_sha256());
  const OpensslPtr<BIO> out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509_CRL(out.get(), crl);
  X509_CRL_free(crl);
  return taken(out.get());
}

std::string makeOcspResponse(const TestCertificate& leaf, const TestCertificate& issuer, absl::Time next_update,
                             bool revoked) {
  const OpensslPtr<OCSP_BASICRESP> basic(OCSP_BASICRESP_new());
  OCSP_CERTID* const id = OCSP_cert_to_id(EVP_sha1(), leaf.x509.get(), issuer.x509.get());
  ASN1_TIME* const from = ASN1_TIME_set(nullptr, 1'735'689'600);
  ASN1_TIME* const to = ASN1_TIME_set(nullptr, absl::ToTimeT(next_update));
  OCSP_basic_add1_status(basic.get(), id, revoked ? V_OCSP_CERTSTATUS_REVOKED : V_OCSP_CERTSTATUS_GOOD, 0,
                         revoked ? from : nullptr, from, to);
  OCSP_basic_sign(basic.get(), issuer.x509.get(), issuer.key.get(), EVP_sha256(), nullptr, 0);
  const OpensslPtr<OCSP_RESPONSE> response(OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic.get()));
  ASN1_TIME_free(from);
  ASN1_TIME_free(to);
  OCSP_CERTID_free(id);
  unsigned char* der = nullptr;
  const int size = i2d_OCSP_RESPONSE(response.get(), &der);
  const OpensslPtr<unsigned char> owner(der);
  return std::string(reinterpret_cast<const char*>(der), static_cast<size_t>(size));
}

}  // namespace weir::net::tls
