// ConnectionState: what the callbacks of OpenSSL need to know of the connection that they run for, and what they found
// out. Owned by the TlsSocket, which hangs it on its SSL for as long as callbacks may come.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <string>

#include "source/event/dispatcher.h"

namespace weir::net::tls {

struct ConnectionState {
  // How far the peer's certificate was found good; the first thing that was wrong.
  enum class Check : uint8_t { kNotChecked, kGood, kChain, kName, kPin };

  event::Dispatcher* dispatcher;
  std::string expected_name;  // client: the peer's certificate must be for it; empty: not asked for
  std::string session_key;    // client: where its sessions are kept
  Check check = Check::kNotChecked;
  std::string check_failure;  // in words

  void attach(SSL* ssl) { SSL_set_app_data(ssl, this); }
  static ConnectionState* of(SSL* ssl) { return static_cast<ConnectionState*>(SSL_get_app_data(ssl)); }
};

}  // namespace weir::net::tls
