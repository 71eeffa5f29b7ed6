// OpensslPeerChain: the certificates of a peer, kept for whoever asks for more than what every log has. Made by the
// TlsSocket when its handshake is done, and owned with its TransportInfo; one worker.
#pragma once

#include <memory>

#include "source/net/tls/openssl_ptr.h"
#include "source/net/transport_info.h"

namespace weir::net::tls {

// Null when the peer showed none. The handshake is done.
std::shared_ptr<const PeerChain> keepPeerChain(SSL* ssl);

}  // namespace weir::net::tls
