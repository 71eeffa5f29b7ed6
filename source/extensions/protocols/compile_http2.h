// compileHttp2: from Http2ProtocolOptions to the plain options of an HTTP/2 codec and of its keepalive. Called at load
// by whatever has such a field, a listener's connection manager or a cluster; errors and warnings go to the
// diagnostics. Limits that are not in this message (the size of heads) are the caller's.
#pragma once

#include <optional>

#include "source/base/diagnostics.h"
#include "source/http/codec.h"
#include "source/http/h2/options.h"
#include "source/http/keepalive.h"

namespace envoy::config::core::v3 {
class Http2ProtocolOptions;
}

namespace weir::extensions {

struct Http2Settings {
  http::h2::H2Options options;
  std::optional<http::KeepaliveOptions> keepalive;
};

// Changes what the message names. `path` is that of the message.
void compileHttp2(const envoy::config::core::v3::Http2ProtocolOptions& message, http::Role role,
                  Http2Settings& settings, base::Diagnostics& diagnostics, const base::FieldPath& path);

}  // namespace weir::extensions
