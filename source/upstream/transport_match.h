// TransportMatch: over which transport connections to some hosts of a cluster go: those that have this noted about
// them. Compiled at load, owned by the ClusterConfig in the order in which they are looked at, immutable.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "source/net/transport.h"
#include "source/stats/registry.h"
#include "source/upstream/lb/subset_index.h"

namespace weir::upstream {

struct HostSpec;

struct TransportMatch {
  std::string name;
  lb::Metadata wanted;                                     // empty: every host
  std::shared_ptr<const net::TransportFactory> transport;  // null: plain bytes
  stats::CounterId matched;                                // connections that were opened for it
};

// The first that fits what is noted about the host itself, else about its locality. Null: none does.
const TransportMatch* transportMatch(const std::vector<TransportMatch>& matches, const HostSpec& spec);

}  // namespace weir::upstream
