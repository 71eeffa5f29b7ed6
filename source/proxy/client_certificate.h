// x-forwarded-client-cert: what a request tells the servers behind weir of the certificate that its client showed.
// Options are compiled at load; the element for a connection is made once, by the connection manager that has it.
//
//   element = pair *( ";" pair )     pair = ( By | Hash | Cert | Chain | Subject | URI | DNS ) "=" value
//   header  = element *( "," element )          one element for each proxy on the way, the last hop last
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "source/http/header_map.h"
#include "source/net/connection.h"

namespace weir::proxy {

struct ClientCertificateOptions {
  enum class Forward : uint8_t {
    kSanitize,           // the header is removed
    kForwardOnly,        // kept, if this client showed a certificate
    kAppendForward,      // this client's is appended, if it showed one
    kSanitizeSet,        // replaced by this client's, if it showed one
    kAlwaysForwardOnly,  // kept, whoever sent it
  };
  Forward forward = Forward::kSanitize;
  bool subject = false;
  bool cert = false;
  bool chain = false;
  bool dns = false;
  bool uri = false;

  bool wantsElement() const { return forward == Forward::kAppendForward || forward == Forward::kSanitizeSet; }
};

// The element for this connection's client; empty when it showed no certificate.
std::string clientCertificateElement(const ClientCertificateOptions& options, const net::Connection& connection);

// Edits the header of a request. `presented`: the client showed a certificate. `element` is that of its connection.
void forwardClientCertificate(const ClientCertificateOptions& options, bool presented, std::string_view element,
                              http::HeaderMap& headers);

}  // namespace weir::proxy
