#include "source/net/tls/openssl_error.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/sslerr.h>

#include "absl/strings/str_cat.h"

namespace weir::net::tls {
namespace {

constexpr int kAlertMax = SSL_AD_REASON_OFFSET + 255;

// RFC 8446 section 6; OpenSSL 3.0 has no words for the newer ones.
std::string alertName(int alert) {
  switch (alert) {
    case SSL_AD_INAPPROPRIATE_FALLBACK:
      return "inappropriate fallback";
    case SSL_AD_MISSING_EXTENSION:
      return "missing extension";
    case SSL_AD_CERTIFICATE_REQUIRED:
      return "certificate required";
    default:
      break;
  }
  const std::string name = SSL_alert_desc_string_long(alert);
  return name == "unknown" ? absl::StrCat(alert) : name;
}

std::string inWords(unsigned long error) {
  const int reason = ERR_GET_REASON(error);
  if (ERR_GET_LIB(error) == ERR_LIB_SSL) {
    if (reason > SSL_AD_REASON_OFFSET && reason <= kAlertMax) {
      return absl::StrCat("the peer sent the alert '", alertName(reason - SSL_AD_REASON_OFFSET), "'");
    }
    switch (reason) {
      case SSL_R_HTTP_REQUEST:
      case SSL_R_HTTPS_PROXY_REQUEST:
        return "the peer speaks HTTP and not TLS";
      case SSL_R_WRONG_VERSION_NUMBER:
        return "what the peer sent is not TLS, or not of a version that is known";
      case SSL_R_UNSUPPORTED_PROTOCOL:
      case SSL_R_VERSION_TOO_LOW:
      case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
        return "the two sides have no TLS version in common";
      case SSL_R_NO_SHARED_CIPHER:
        return "the two sides have no cipher suite in common";
      case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
        return "the peer showed no certificate, and one is required";
      default:
        break;
    }
  }
  const char* const text = ERR_reason_error_string(error);
  return text != nullptr ? std::string(text) : absl::StrCat("OpenSSL error ", error);
}

}  // namespace

std::string takeOpensslError() {
  std::string text;
  while (const unsigned long error = ERR_get_error()) {
    if (text.empty()) text = inWords(error);
  }
  return text;
}

bool peerShowedNoCertificate() {
  const unsigned long error = ERR_peek_error();
  return ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE;
}

void dropOpensslErrors() { ERR_clear_error(); }

}  // namespace weir::net::tls
