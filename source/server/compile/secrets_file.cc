#include "source/server/compile/secrets_file.h"

#include "absl/strings/strip.h"
#include "envoy/service/discovery/v3/discovery.pb.h"
#include "source/base/diagnostics.h"
#include "source/config/loader.h"
#include "source/config/render.h"

namespace weir::server {

absl::Status readSecretsFile(const std::string& file, envoy::service::discovery::v3::DiscoveryResponse& response) {
  base::Diagnostics diagnostics;
  config::SourceMap sources;
  if (config::loadMessage(file, response, sources, diagnostics)) return absl::OkStatus();
  const std::string text = config::render(diagnostics, sources);
  return absl::InvalidArgumentError(absl::StripSuffix(text, "\n"));
}

}  // namespace weir::server
