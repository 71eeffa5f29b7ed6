// proxyBootstrap: the configuration that `weir proxy --from ADDRESS --to URL` stands for: one listener, one cluster.
// A pure function; what it returns is loaded and run the same way as a file.
#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "envoy/config/bootstrap/v3/bootstrap.pb.h"

namespace weir::server {

// `from`: "ip:port", ":port" or "unix:/path". `to`: "http://host:port/path", where the path is put before that of each
// request, the same with https, or "tcp://host:port". A host is an IP address or a name, which is resolved all the time
// and stands in the Host of requests. "localhost" stands for 127.0.0.1 in both. The error says what was seen and what
// is allowed.
absl::StatusOr<envoy::config::bootstrap::v3::Bootstrap> proxyBootstrap(std::string_view from, std::string_view to,
                                                                       std::string_view name);

}  // namespace weir::server
