// ClientFingerprints: by what it says in its ClientHello the program of a client can be told. Made by the tls_inspector
// where it is asked for, immutable, owned with what is known of the connection.
#pragma once

#include <string>

namespace weir::net {

// Empty: not asked for.
struct ClientFingerprints {
  std::string ja3;
  std::string ja4;
};

}  // namespace weir::net
