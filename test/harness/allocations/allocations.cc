#include "test/harness/allocations/allocations.h"

#include <cstdlib>
#include <new>

namespace {
size_t count = 0;

void* counted(void* memory) {
  ++count;
  if (memory == nullptr) abort();
  return memory;
}
}  // namespace

void* operator new(size_t bytes) { return counted(malloc(bytes)); }
void* operator new(size_t bytes, std::align_val_t alignment) {
  void* memory = nullptr;
  if (posix_memalign(&memory, static_cast<size_t>(alignment), bytes) != 0) abort();
  return counted(memory);
}
void operator delete(void* memory) noexcept { free(memory); }
void operator delete(void* memory, size_t) noexcept { free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { free(memory); }

namespace weir::harness {
size_t allocations() { return count; }
}  // namespace weir::harness
