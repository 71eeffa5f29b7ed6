// What server and client contexts have in common: an SSL_CTX with safe options and the Parameters of a configuration.
// At load, on the main thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "source/net/tls/openssl_ptr.h"
#include "source/net/tls/tls_config.h"

namespace weir::net::tls {

// Never null; what cannot be set is noted.
SslContextPtr newContext(const SSL_METHOD* method, const Parameters& parameters, Problems& problems);
// The protocols in the form of RFC 7301: each with its length before it. Empty for none.
std::string alpnWire(const std::vector<std::string>& protocols, Problems& problems);

}  // namespace weir::net::tls
