// readSecretsFile: a file of secrets, for TLS contexts that name one (sds_config). Main thread; reading blocks on the
// disk.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace envoy::service::discovery::v3 {
class DiscoveryResponse;
}

namespace weir::server {

// InvalidArgument with one line for each error, which names the place in the file.
absl::Status readSecretsFile(const std::string& file, envoy::service::discovery::v3::DiscoveryResponse& response);

}  // namespace weir::server
