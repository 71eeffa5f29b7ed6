#include "source/net/tls/verifier.h"

#include <arpa/inet.h>
#include <openssl/pem.h>

#include <algorithm>
#include <climits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/base/strings.h"
#include "source/net/ip_text.h"
#include "source/net/tls/credential.h"
#include "source/net/tls/openssl_error.h"
#include "source/net/tls/x509_text.h"

namespace weir::net::tls {
namespace {

using Part = Problem::Part;

// A list of authorities goes into every handshake; a bundle of all public ones would not fit into many clients.
constexpr size_t kMaxOfferedAuthorities = 64;

std::optional<std::string> canonicalIp(std::string_view text) {
  const std::string terminated(text);
  unsigned char bytes[16];
  for (const int family : {AF_INET, AF_INET6}) {
    if (inet_pton(family, terminated.c_str(), bytes) != 1) continue;
    const size_t size = family == AF_INET ? 4 : 16;
    return std::string(IpText({reinterpret_cast<const char*>(bytes), size}).view());
  }
  return std::nullopt;
}

std::string namesText(const SubjectNames& names) {
  std::string text;
  for (const SubjectNames::Name& name : names.all) {
    if (text.size() > 200) return text + ", ...";
    absl::StrAppend(&text, text.empty() ? "" : ", ", name.text);
  }
  return text.empty() ? "no name at all" : text;
}

void fail(X509_STORE_CTX* context, ConnectionState& state, ConnectionState::Check check, int error,
          std::string reason) {
  X509_STORE_CTX_set_error(context, error);
  if (state.check == ConnectionState::Check::kNotChecked) {
    state.check = check;
    state.check_failure = std::move(reason);
  }
}

}  // namespace

bool isNamed(const SubjectNames& names, std::string_view expected) {
  const std::optional<std::string> ip = canonicalIp(expected);
  return std::any_of(names.all.begin(), names.all.end(), [&](const SubjectNames::Name& name) {
    if (ip.has_value()) return name.type == SanType::kIp && name.text == *ip;
    return name.type == SanType::kDns && dnsNameMatches(name.text, expected);
  });
}

std::unique_ptr<const Verifier> Verifier::create(const Validation& validation, Problems& problems) {
  std::unique_ptr<Verifier> verifier(new Verifier(validation));
  const bool pins = !validation.certificate_hashes.empty() || !validation.spki_pins.empty();
  if (validation.trusted_ca.empty() && !pins && !validation.accept_untrusted) {
    problems.push_back({Part::kTrustedCa, 0,
                        "nothing says whom to trust; give a trusted CA, the system's roots, or a hash of the "
                        "certificate or of its key"});
    return nullptr;
  }
  if (validation.trusted_ca.empty() && !validation.crl.empty()) {
    problems.push_back({Part::kCrl, 0, "a revocation list is of no use without a trusted CA"});
    return nullptr;
  }
  if (!verifier->loadAuthorities(problems) || !verifier->loadRevocations(problems)) return nullptr;
  return verifier;
}

bool Verifier::loadAuthorities(Problems& problems) {
  if (validation_.trusted_ca.empty()) return true;
  const auto certificates = parseCertificates(validation_.trusted_ca, Part::kTrustedCa, 0, problems);
  if (!certificates.has_value()) return false;
  store_.reset(X509_STORE_new());
  authorities_.reset(sk_X509_NAME_new_null());
  for (const X509Ptr& certificate : *certificates) {
    X509_STORE_add_cert(store_.get(), certificate.get());  // one that is there already is no error
    if (certificates->size() > kMaxOfferedAuthorities) continue;
    X509_NAME* const name = X509_NAME_dup(X509_get_subject_name(certificate.get()));
    if (name != nullptr) sk_X509_NAME_push(authorities_.get(), name);
  }
  // An authority that is trusted by name need not be a root.
  X509_STORE_set_flags(store_.get(), X509_V_FLAG_PARTIAL_CHAIN);
  dropOpensslErrors();
  return true;
}

bool Verifier::loadRevocations(Problems& problems) {
  if (validation_.crl.empty()) return true;
  const OpensslPtr<BIO> bio(BIO_new_mem_buf(validation_.crl.data(), static_cast<int>(validation_.crl.size())));
  const OpensslPtr<STACK_OF(X509_INFO)> entries(PEM_X509_INFO_read_bio(bio.get(), nullptr, nullptr, nullptr));
  int found = 0;
  for (int i = 0; entries != nullptr && i < sk_X509_INFO_num(entries.get()); ++i) {
    X509_CRL* const crl = sk_X509_INFO_value(entries.get(), i)->crl;
    if (crl != nullptr && X509_STORE_add_crl(store_.get(), crl) == 1) ++found;
  }
  const std::string reason = takeOpensslError();
  if (found == 0) {
    problems.push_back({Part::kCrl, 0,
                        absl::StrCat("no certificate revocation list in PEM form ('-----BEGIN X509 CRL-----')",
                                     reason.empty() ? "" : ": ", reason)});
    return false;
  }
  X509_STORE_set_flags(store_.get(), validation_.crl_of_leaf_only ? X509_V_FLAG_CRL_CHECK
                                                                  : X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
  return true;
}

void Verifier::apply(SSL_CTX* context, int mode) const {
  SSL_CTX_set_verify(context, mode, nullptr);
  if (store_ != nullptr) SSL_CTX_set1_cert_store(context, store_.get());
  if (validation_.max_depth.has_value()) SSL_CTX_set_verify_depth(context, static_cast<int>(*validation_.max_depth));
  SSL_CTX_set_cert_verify_callback(context, &Verifier::onVerify, const_cast<Verifier*>(this));
}

void Verifier::offerAuthorities(SSL_CTX* context) const {
  if (authorities_ != nullptr) SSL_CTX_set_client_CA_list(context, SSL_dup_CA_list(authorities_.get()));
}

std::string Verifier::fingerprint() const {
  const Validation& v = validation_;
  std::string text = absl::StrCat(v.trusted_ca, "\n", v.crl, "\n", v.crl_of_leaf_only, v.allow_expired,
                                  v.accept_untrusted, v.max_depth.has_value() ? absl::StrCat(*v.max_depth) : "-");
  for (const SanMatcher& name : v.names) absl::StrAppend(&text, "\n", name.text());
  for (const Sha256& hash : v.certificate_hashes) absl::StrAppend(&text, "\nc", hex(hash.data(), hash.size()));
  for (const Sha256& hash : v.spki_pins) absl::StrAppend(&text, "\nk", hex(hash.data(), hash.size()));
  return text;
}

int Verifier::onVerify(X509_STORE_CTX* context, void* arg) {
  const auto& self = *static_cast<const Verifier*>(arg);
  auto* const ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx()));
  ConnectionState* const state = ssl == nullptr ? nullptr : ConnectionState::of(ssl);
  if (state == nullptr || X509_STORE_CTX_get0_cert(context) == nullptr) {
    X509_STORE_CTX_set_error(context, X509_V_ERR_UNSPECIFIED);
    return 0;
  }
  if (self.verify(context, *state, SSL_is_server(ssl) == 0)) {
    X509_STORE_CTX_set_error(context, X509_V_OK);
    state->check = Check::kGood;
    return 1;
  }
  dropOpensslErrors();
  // A pin names this very certificate or key, so it is never waived.
  if (!self.validation_.accept_untrusted || state->check == Check::kPin) return 0;
  state->check = Check::kNotChecked;
  state->check_failure.clear();
  return 1;
}

bool Verifier::verify(X509_STORE_CTX* context, ConnectionState& state, bool peer_is_server) const {
  X509* const leaf = X509_STORE_CTX_get0_cert(context);
  X509_VERIFY_PARAM* const parameters = X509_STORE_CTX_get0_param(context);
  if (validation_.allow_expired) {
    X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_NO_CHECK_TIME);
  } else {
    X509_VERIFY_PARAM_set_time(parameters, absl::ToTimeT(state.dispatcher->wallNow()));
  }
  if (!pinned(leaf)) {
    fail(context, state, Check::kPin, X509_V_ERR_CERT_REJECTED, "the certificate is none of those that are pinned");
    return false;
  }
  if (!chainGood(context, peer_is_server)) {
    const int error = X509_STORE_CTX_get_error(context);
    const int depth = X509_STORE_CTX_get_error_depth(context);
    fail(context, state, Check::kChain, error,
         absl::StrCat(X509_verify_cert_error_string(error), depth > 0 ? absl::StrCat(" (issuer ", depth, ")") : ""));
    return false;
  }
  const SubjectNames names = readNames(leaf);
  const auto matched = [&](const SanMatcher& matcher) { return matcher.matches(names); };
  if (!validation_.names.empty() && std::none_of(validation_.names.begin(), validation_.names.end(), matched)) {
    fail(context, state, Check::kName, X509_V_ERR_HOSTNAME_MISMATCH,
         absl::StrCat("the certificate is for ", namesText(names), ", which no matcher allows"));
    return false;
  }
  if (!state.expected_name.empty() && !isNamed(names, state.expected_name)) {
    fail(context, state, Check::kName, X509_V_ERR_HOSTNAME_MISMATCH,
         absl::StrCat("the certificate is for ", namesText(names), " and not for ", state.expected_name));
    return false;
  }
  return true;
}

bool Verifier::pinned(const X509* leaf) const {
  const auto& hashes = validation_.certificate_hashes;
  const auto& pins = validation_.spki_pins;
  if (hashes.empty() && pins.empty()) return true;
  return std::find(hashes.begin(), hashes.end(), certificateHash(leaf)) != hashes.end() ||
         std::find(pins.begin(), pins.end(), spkiHash(leaf)) != pins.end();
}

bool Verifier::chainGood(X509_STORE_CTX* context, bool peer_is_server) const {
  if (store_ == nullptr) {  // pinned, or accepted untrusted
    const bool vouched = !validation_.certificate_hashes.empty() || !validation_.spki_pins.empty();
    const int purpose = peer_is_server ? X509_PURPOSE_SSL_SERVER : X509_PURPOSE_SSL_CLIENT;
    if (vouched && X509_check_purpose(X509_STORE_CTX_get0_cert(context), purpose, 0) == 1) return true;
    X509_STORE_CTX_set_error(context, vouched ? X509_V_ERR_INVALID_PURPOSE : X509_V_ERR_CERT_UNTRUSTED);
    return false;
  }
  return X509_verify_cert(context) > 0;
}

}  // namespace weir::net::tls
