// From a CertificateValidationContext to the plain Validation that a TLS context checks its peers with. At load, on the
// main thread; every error goes to the diagnostics, under the path of the field that it is about.
#pragma once

#include <string>

#include "source/base/diagnostics.h"
#include "source/net/tls/tls_config.h"

namespace envoy::extensions::transport_sockets::tls::v3 {
class CertificateValidationContext;
}

namespace weir::extensions {

// `upstream`: it is servers that are checked, by the authorities that the machine trusts where no others are given;
// that they are not checked is worth a warning. With `schema_only` no file is read.
net::tls::Validation compileValidation(
    const envoy::extensions::transport_sockets::tls::v3::CertificateValidationContext& message, bool upstream,
    bool schema_only, base::Diagnostics& diagnostics, const base::FieldPath& path);

// The authorities that the machine trusts, in PEM: SSL_CERT_FILE or where systems keep them. Empty after an error.
std::string readSystemRoots(bool schema_only, base::Diagnostics& diagnostics, const base::FieldPath& path);

}  // namespace weir::extensions
