#include "source/net/tls/digest.h"

#include <openssl/evp.h>

#include "source/net/tls/x509_text.h"

namespace weir::net::tls {
namespace {

std::string hexDigest(std::string_view text, const EVP_MD* kind) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  return EVP_Digest(text.data(), text.size(), out, &size, kind, nullptr) == 1 ? hex(out, size) : std::string();
}

}  // namespace

std::string md5Hex(std::string_view text) { return hexDigest(text, EVP_md5()); }
std::string sha256Hex(std::string_view text) { return hexDigest(text, EVP_sha256()); }

}  // namespace weir::net::tls
