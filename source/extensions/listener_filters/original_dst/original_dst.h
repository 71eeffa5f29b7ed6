// The original_dst listener filter: where the client of a redirected connection was going, as the kernel's NAT table
// says, becomes the local address, by which filter chains are chosen.
#pragma once

#include "source/proxy/listener/listener_filter.h"

namespace weir::extensions::original_dst {

proxy::ListenerFilterType originalDstType();
std::unique_ptr<const proxy::ListenerFilter> makeOriginalDst();

}  // namespace weir::extensions::original_dst
