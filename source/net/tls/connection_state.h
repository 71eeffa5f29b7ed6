// ConnectionState: what the callbacks of OpenSSL need to know of the connection that they run for, and what they found
// out. Owned by the TlsSocket, whose CipherPipe leads callbacks to it for as long as they may come.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <string>

#include "source/event/dispatcher.h"
#include "source/net/tls/handshake_gate.h"

namespace weir::net::tls {

struct ConnectionState {
  // How far the peer's certificate was found good; the first thing that was wrong.
  enum class Check : uint8_t { kNotChecked, kGood, kChain, kName, kPin };

  event::Dispatcher* dispatcher;
  HandshakeGate* gate;
  std::string expected_name;  // client: the peer's certificate must be for it; empty: not asked for
  std::string session_key;    // client: where its sessions are kept
  Check check = Check::kNotChecked;
  std::string check_failure;  // in words

  // Null before the connection has its BIO, and when a server's handshake is done.
  static ConnectionState* of(const SSL* ssl);
};

}  // namespace weir::net::tls
