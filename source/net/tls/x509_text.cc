#include "source/net/tls/x509_text.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "source/base/strings.h"
#include "source/net/ip_text.h"
#include "source/net/tls/openssl_ptr.h"

namespace weir::net::tls {
namespace {

// DNS names, URIs and mail addresses are IA5 without blanks and controls; a NUL here is an attack on whoever prints
// or compares C strings.
std::optional<std::string> plainText(const ASN1_STRING* string) {
  const unsigned char* const bytes = ASN1_STRING_get0_data(string);
  const int size = ASN1_STRING_length(string);
  if (bytes == nullptr || size <= 0) return std::nullopt;
  if (!std::all_of(bytes, bytes + size, [](unsigned char c) { return c > 0x20 && c < 0x7f; })) return std::nullopt;
  return std::string(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
}

std::optional<std::string> ipText(const ASN1_OCTET_STRING* string) {
  const int size = ASN1_STRING_length(string);
  if (size != 4 && size != 16) return std::nullopt;
  const auto* const bytes = reinterpret_cast<const char*>(ASN1_STRING_get0_data(string));
  return std::string(IpText({bytes, static_cast<size_t>(size)}).view());
}

std::optional<std::string> utf8Text(const ASN1_STRING* string) {
  unsigned char* out = nullptr;
  const int size = ASN1_STRING_to_UTF8(&out, string);
  if (size < 0) return std::nullopt;
  const OpensslPtr<unsigned char> owner(out);
  std::string text(reinterpret_cast<const char*>(out), static_cast<size_t>(size));
  if (text.empty() || text.find('\0') != std::string::npos) return std::nullopt;
  return text;
}

std::optional<std::string> otherText(const ASN1_TYPE* value) {
  if (value == nullptr) return std::nullopt;
  switch (value->type) {
    case V_ASN1_UTF8STRING:
    case V_ASN1_IA5STRING:
    case V_ASN1_PRINTABLESTRING:
    case V_ASN1_BMPSTRING:
    case V_ASN1_UNIVERSALSTRING:
    case V_ASN1_T61STRING:
      return utf8Text(value->value.asn1_string);
    default:
      return std::nullopt;
  }
}

std::string oidText(const ASN1_OBJECT* object) {
  char text[128];
  const int size = OBJ_obj2txt(text, sizeof(text), object, 1);
  return size > 0 && size < static_cast<int>(sizeof(text)) ? std::string(text) : std::string();
}

void addName(const GENERAL_NAME& name, SubjectNames& names) {
  const auto add = [&](SanType type, std::optional<std::string> text, std::string oid = {}) {
    if (text.has_value()) names.all.push_back({type, *std::move(text), std::move(oid)});
  };
  switch (name.type) {
    case GEN_DNS:
      return add(SanType::kDns, plainText(name.d.dNSName));
    case GEN_URI:
      return add(SanType::kUri, plainText(name.d.uniformResourceIdentifier));
    case GEN_EMAIL:
      return add(SanType::kEmail, plainText(name.d.rfc822Name));
    case GEN_IPADD:
      return add(SanType::kIp, ipText(name.d.iPAddress));
    case GEN_OTHERNAME:
      return add(SanType::kOther, otherText(name.d.otherName->value), oidText(name.d.otherName->type_id));
    default:
      return;
  }
}

std::string nameText(const X509_NAME* name) {
  const OpensslPtr<BIO> out(BIO_new(BIO_s_mem()));
  // UTF-8 stays as it is; controls and what separates fields are escaped.
  if (out == nullptr || X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0) return {};
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return size > 0 ? std::string(data, static_cast<size_t>(size)) : std::string();
}

std::string fingerprint(const X509* certificate, const EVP_MD* digest) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  return X509_digest(certificate, digest, out, &size) == 1 ? hex(out, size) : std::string();
}

std::string serialText(const X509* certificate) {
  const OpensslPtr<BIGNUM> number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
  if (number == nullptr) return {};
  const OpensslPtr<char> text(BN_bn2hex(number.get()));
  return text == nullptr ? std::string() : absl::AsciiStrToLower(text.get());
}

}  // namespace

std::string hex(const unsigned char* bytes, size_t size) {
  return absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(bytes), size));
}

SubjectNames readNames(const X509* certificate) {
  SubjectNames names;
  const OpensslPtr<GENERAL_NAMES> list(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  if (list == nullptr) return names;
  for (int i = 0; i < sk_GENERAL_NAME_num(list.get()); ++i) addName(*sk_GENERAL_NAME_value(list.get(), i), names);
  return names;
}

std::string commonName(const X509* certificate) {
  const X509_NAME* const subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(const_cast<X509_NAME*>(subject), NID_commonName, -1);
  if (at < 0) return {};
  return utf8Text(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))).value_or("");
}

std::optional<absl::Time> readTime(const ASN1_TIME* time) {
  std::tm parts = {};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
  return absl::FromTimeT(timegm(&parts));
}

Sha256 certificateHash(const X509* certificate) {
  Sha256 out = {};
  X509_digest(certificate, EVP_sha256(), out.data(), nullptr);
  return out;
}

Sha256 spkiHash(const X509* certificate) {
  Sha256 out = {};
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  if (size <= 0) return out;
  const OpensslPtr<unsigned char> owner(der);
  EVP_Digest(der, static_cast<size_t>(size), out.data(), nullptr, EVP_sha256(), nullptr);
  return out;
}

std::string pem(X509* certificate) {
  const OpensslPtr<BIO> out(BIO_new(BIO_s_mem()));
  if (out == nullptr || PEM_write_bio_X509(out.get(), certificate) != 1) return {};
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return std::string(data, static_cast<size_t>(size));
}

PeerCertificate describe(X509* certificate) {
  PeerCertificate peer;
  peer.subject = nameText(X509_get_subject_name(certificate));
  peer.issuer = nameText(X509_get_issuer_name(certificate));
  peer.serial = serialText(certificate);
  peer.sha256_fingerprint = fingerprint(certificate, EVP_sha256());
  peer.sha1_fingerprint = fingerprint(certificate, EVP_sha1());
  peer.not_before = readTime(X509_get0_notBefore(certificate)).value_or(absl::InfinitePast());
  peer.not_after = readTime(X509_get0_notAfter(certificate)).value_or(absl::InfiniteFuture());
  for (SubjectNames::Name& name : readNames(certificate).all) {
    switch (name.type) {
      case SanType::kDns:
        peer.dns_names.push_back(std::move(name.text));
        break;
      case SanType::kUri:
        peer.uris.push_back(std::move(name.text));
        break;
      case SanType::kEmail:
        peer.emails.push_back(std::move(name.text));
        break;
      case SanType::kIp:
        peer.ip_addresses.push_back(std::move(name.text));
        break;
      case SanType::kOther:
        peer.other_names.push_back(std::move(name.text));
        break;
    }
  }
  return peer;
}

}  // namespace weir::net::tls
