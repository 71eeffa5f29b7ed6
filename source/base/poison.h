// Marks pooled memory that is idle, so that AddressSanitizer reports a use after release as it would for the heap.
// Without the sanitizer both calls are nothing. Whoever poisons memory unpoisons it before using or freeing it.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define WEIR_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WEIR_ADDRESS_SANITIZER 1
#endif
#endif

#ifdef WEIR_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#endif

namespace weir::base {

inline void poison([[maybe_unused]] void* memory, [[maybe_unused]] size_t bytes) {
#ifdef WEIR_ADDRESS_SANITIZER
  __asan_poison_memory_region(memory, bytes);
#endif
}

inline void unpoison([[maybe_unused]] void* memory, [[maybe_unused]] size_t bytes) {
#ifdef WEIR_ADDRESS_SANITIZER
  __asan_unpoison_memory_region(memory, bytes);
#endif
}

}  // namespace weir::base
