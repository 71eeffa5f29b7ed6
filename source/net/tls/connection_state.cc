#include "source/net/tls/connection_state.h"

#include "source/net/tls/cipher_pipe.h"

namespace weir::net::tls {

ConnectionState* ConnectionState::of(const SSL* ssl) {
  BIO* const bio = SSL_get_rbio(ssl);
  return bio == nullptr ? nullptr : static_cast<CipherPipe*>(BIO_get_data(bio))->state();
}

}  // namespace weir::net::tls
