// Replaces the global operator new of the test's binary by one that counts. For tests of what must take nothing from
// the heap; one thread.
#pragma once

#include <cstddef>

namespace weir::harness {

// Calls of operator new since the program began.
size_t allocations();

}  // namespace weir::harness
