#include "source/net/tls/ticket_keys.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <cstring>

#include "source/base/check.h"
#include "source/net/tls/tls_config.h"

namespace weir::net::tls {
namespace {

template <size_t kSize>
void fillRandom(std::array<unsigned char, kSize>& out) {
  CHECK(RAND_bytes(out.data(), static_cast<int>(out.size())) == 1, "the system has randomness once it is running");
}

}  // namespace

TicketKeys::TicketKeys(const std::vector<std::string>& given) {
  for (const std::string& bytes : given) {
    static_assert(sizeof(Key) == kTicketKeyBytes);
    CHECK(bytes.size() == kTicketKeyBytes, "the configuration's keys were measured before");
    Key key;
    std::memcpy(&key, bytes.data(), sizeof(key));
    keys_.push_back(key);
  }
}

TicketKeys::~TicketKeys() { OPENSSL_cleanse(keys_.data(), keys_.size() * sizeof(Key)); }

TicketKeys::Key TicketKeys::sealing(base::MonotonicTime now) {
  const std::lock_guard lock(mutex_);
  rotate(now);
  return keys_.front();
}

std::optional<TicketKeys::Found> TicketKeys::find(const unsigned char* name, base::MonotonicTime now) {
  const std::lock_guard lock(mutex_);
  rotate(now);
  for (const Key& key : keys_) {
    if (std::memcmp(key.name.data(), name, key.name.size()) == 0) return Found{key, &key != keys_.data()};
  }
  return std::nullopt;
}

void TicketKeys::rotate(base::MonotonicTime now) {
  if (!period_.has_value()) return;
  if (!keys_.empty() && now - replaced_ < *period_) return;
  Key fresh;
  fillRandom(fresh.name);
  fillRandom(fresh.hmac);
  fillRandom(fresh.aes);
  // The key before stays for one more period, unless it is older than that already.
  const bool keep = !keys_.empty() && now - replaced_ < 2 * *period_;
  std::vector<Key> keys = {fresh};
  if (keep) keys.push_back(keys_.front());
  OPENSSL_cleanse(keys_.data(), keys_.size() * sizeof(Key));
  keys_ = std::move(keys);
  replaced_ = now;
}

int TicketKeys::onTicket(base::MonotonicTime now, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                         EVP_MAC_CTX* mac, bool seal, bool once) {
  constexpr int kError = -1, kUnknown = 0, kUse = 1, kUseAndRenew = 2;
  Found found;
  if (seal) {
    found = {sealing(now), false};
    std::memcpy(name, found.key.name.data(), found.key.name.size());
    if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return kError;
  } else {
    const std::optional<Found> known = find(name, now);
    if (!known.has_value()) return kUnknown;
    found = *known;
  }
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, found.key.hmac.data(), found.key.hmac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
  const bool ready = EVP_MAC_CTX_set_params(mac, parameters) == 1 &&
                     EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nullptr, found.key.aes.data(), iv, seal) == 1;
  OPENSSL_cleanse(&found.key, sizeof(found.key));
  if (!ready) return kError;
  return found.renew || once ? kUseAndRenew : kUse;
}

}  // namespace weir::net::tls
