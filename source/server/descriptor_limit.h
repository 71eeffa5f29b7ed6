// What the process may have open, and how many connections that leaves room for.
#pragma once

#include <cstdint>

namespace weir::server {

// Raises the soft limit of open files to the hard one, and returns it.
uint64_t raiseDescriptorLimit();

// Connections of clients that `descriptors` open files allow: half of what is left after what the process itself needs,
// as each may need one to an upstream.
uint32_t connectionLimit(uint64_t descriptors, unsigned workers);

// CPUs that this process may run on; at least 1.
unsigned usableCpus();

}  // namespace weir::server
