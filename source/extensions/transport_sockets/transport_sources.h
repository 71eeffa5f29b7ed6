// TransportSources: where the TLS transports of a configuration come from, so that they can be made anew when a file
// of theirs has changed, and so that somebody can be told what certificates there are. Filled at load by
// compileTransport; owned with the configuration; main thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "source/net/transport_info.h"
#include "source/stats/registry.h"

namespace weir::extensions {

struct TransportSource {
  struct Certificates {
    std::vector<net::PeerCertificate> own;
    std::vector<net::PeerCertificate> authorities;
  };

  std::string owner;  // "listener edge", "cluster back"
  // What certificates, keys and the like are read from now; a file of secrets may name others tomorrow.
  std::function<std::vector<std::string>()> files;
  stats::CounterId updated;
  stats::CounterId rejected;
  // Reads the files again. After an error everything is as it was before.
  std::function<absl::Status()> reload;
  std::function<const Certificates&()> certificates;
};

using TransportSources = std::vector<TransportSource>;

}  // namespace weir::extensions
