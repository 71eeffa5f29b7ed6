// wantedName: by which key a request asks a cluster for a host, where the cluster has whichever host is asked for by
// name (upstream::DemandConfig). Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "source/base/arena.h"

namespace weir::proxy {

// "host:port" in lower case of "Host" or "Host:port"; empty if it is neither. In the arena.
std::string_view wantedName(std::string_view authority, uint16_t default_port, base::Arena& arena);

}  // namespace weir::proxy
