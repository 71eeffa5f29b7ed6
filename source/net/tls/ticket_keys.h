// TicketKeys: the keys that seal session tickets. Shared by all workers of a server context, so that a client may
// resume on any of them; taken under a lock, once or twice per handshake, which is the price of keys that are really
// forgotten when they are replaced. Either given, and kept for ever, or random and replaced every period: what was
// sealed with the key before is still opened, and sealed anew.
#pragma once

#include <openssl/evp.h>
#include <openssl/ssl.h>

#include <array>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "source/base/clock.h"

namespace weir::net::tls {

class TicketKeys {
 public:
  struct Key {
    std::array<unsigned char, 16> name;
    std::array<unsigned char, 32> hmac;
    std::array<unsigned char, 32> aes;
  };
  struct Found {
    Key key;
    bool renew;  // a newer one seals
  };

  explicit TicketKeys(absl::Duration period) : period_(period) {}
  // Each kTicketKeyBytes long, at least one; the first seals.
  explicit TicketKeys(const std::vector<std::string>& given);
  ~TicketKeys();
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

  Key sealing(base::MonotonicTime now);
  std::optional<Found> find(const unsigned char* name, base::MonotonicTime now);

  // For SSL_CTX_set_tlsext_ticket_key_evp_cb. `once`: a ticket is good for one connection, which gets a new one.
  int onTicket(base::MonotonicTime now, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
               EVP_MAC_CTX* mac, bool seal, bool once);

 private:
  void rotate(base::MonotonicTime now);

  std::mutex mutex_;  // guards all below
  std::optional<absl::Duration> period_;
  std::vector<Key> keys_;  // the first seals
  base::MonotonicTime replaced_;
};

}  // namespace weir::net::tls
