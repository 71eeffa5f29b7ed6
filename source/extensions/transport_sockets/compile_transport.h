// From the typed_config of a transport socket to the TransportFactory that listeners and clusters use. At load, on the
// main thread; every error goes to the diagnostics under the path of the field that it is about.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/base/diagnostics.h"
#include "source/extensions/transport_sockets/tls/secrets.h"
#include "source/extensions/transport_sockets/transport_sources.h"
#include "source/net/transport.h"
#include "source/stats/registry.h"

namespace google::protobuf {
class Any;
}

namespace weir::extensions {

struct TransportScope {
  const Secrets& secrets;
  stats::Registry& registry;
  base::Diagnostics& diagnostics;
  bool schema_only = false;  // no file and no environment is read, so that certificates are not looked at
  // Takes what was compiled; null: nothing will be made anew.
  TransportSources* sources = nullptr;
};

// Null inside: plain bytes (raw_buffer, or schema_only). None after errors were reported. `instance` is the listener's
// or the cluster's name in counters; `path` is that of the typed_config.
using CompiledTransport = std::optional<std::shared_ptr<const net::TransportFactory>>;
CompiledTransport compileDownstreamTransport(const google::protobuf::Any& any, const TransportScope& scope,
                                             std::string_view instance, const base::FieldPath& path);
// What the rest of the cluster's configuration says about its connections.
struct UpstreamUse {
  std::vector<std::string> alpn = {};   // offered where the context has no alpn_protocols
  bool server_name_of_request = false;  // SNI is what wrap() is told
  bool name_is_checked = false;         // ... and the certificate is for it, whatever matchers there are
};
CompiledTransport compileUpstreamTransport(const google::protobuf::Any& any, const TransportScope& scope,
                                           std::string_view instance, const UpstreamUse& use,
                                           const base::FieldPath& path);

// Whether it is TLS, or has TLS inside.
bool protectsBytes(const google::protobuf::Any& any);
// Whether it sends a PROXY header.
bool isProxyProtocol(const google::protobuf::Any& any);

}  // namespace weir::extensions
