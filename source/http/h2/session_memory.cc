// A piece is a header of 8 bytes and its memory. Sizes up to 512 bytes are rounded up to a multiple of 32 (classes 0 to
// 15), above to 1 or 1.5 times a power of two up to 64 KiB; what is larger goes to the heap and back.
#include "source/http/h2/session_memory.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>

#include "source/base/check.h"
#include "source/base/poison.h"

namespace weir::http::h2 {
namespace {

constexpr size_t kStep = 32;
constexpr size_t kSteps = 16;

}  // namespace

size_t SessionMemory::classBytes(size_t size_class) {
  if (size_class < kSteps) return (size_class + 1) * kStep;
  const size_t above = size_class - kSteps;  // 768, 1024, 1536, 2048 ...
  const size_t power = size_t{512} << (above / 2);
  return above % 2 == 0 ? power + power / 2 : power * 2;
}

size_t SessionMemory::classOf(size_t bytes) {
  if (bytes <= kStep * kSteps) return bytes == 0 ? 0 : (bytes - 1) / kStep;
  const size_t power = std::bit_floor(bytes - 1);  // power < bytes <= 2 * power
  const size_t above = 2 * (static_cast<size_t>(std::countr_zero(power)) - 9);
  const size_t size_class = kSteps + above + (bytes > power + power / 2 ? 1 : 0);
  return std::min(size_class, kUnpooled);
}

SessionMemory::~SessionMemory() {
  CHECK(bytes_in_use_ == 0, "sessions are gone before their memory");
  for (size_t i = 0; i < kClasses; ++i) {
    while (idle_[i] != nullptr) {
      base::unpoison(idle_[i], classBytes(i));
      Idle* const idle = idle_[i];
      idle_[i] = idle->next;
      std::free(reinterpret_cast<char*>(idle) - sizeof(Header));
    }
  }
}

void* SessionMemory::allocate(size_t bytes) {
  ++allocations_;
  const size_t size_class = classOf(bytes);
  if (size_class != kUnpooled && idle_[size_class] != nullptr) {
    Idle* const idle = idle_[size_class];
    const size_t usable = classBytes(size_class);
    base::unpoison(idle, usable);
    idle_[size_class] = idle->next;
    idle_bytes_ -= usable;
    bytes_in_use_ += usable;
    return idle;
  }
  const size_t usable = size_class == kUnpooled ? bytes : classBytes(size_class);
  auto* const header = static_cast<Header*>(std::malloc(sizeof(Header) + usable));
  if (header == nullptr) return nullptr;
  ++heap_allocations_;
  *header = {static_cast<uint32_t>(size_class), static_cast<uint32_t>(usable)};
  bytes_in_use_ += usable;
  return header + 1;
}

void* SessionMemory::allocateZeroed(size_t bytes) {
  void* const memory = allocate(bytes);
  if (memory != nullptr) std::memset(memory, 0, bytes);
  return memory;
}

char* SessionMemory::scratch(size_t bytes) {
  if (bytes > scratch_bytes_) {
    scratch_bytes_ = std::bit_ceil(std::max<size_t>(bytes, 4096));
    scratch_ = std::make_unique<char[]>(scratch_bytes_);
  }
  return scratch_.get();
}

void SessionMemory::release(void* memory) {
  if (memory == nullptr) return;
  Header* const header = static_cast<Header*>(memory) - 1;
  const size_t usable = header->bytes;
  bytes_in_use_ -= usable;
  if (header->size_class == kUnpooled || idle_bytes_ + usable > keep_bytes_) {
    std::free(header);
    return;
  }
  auto* const idle = static_cast<Idle*>(memory);
  idle->next = idle_[header->size_class];
  idle_[header->size_class] = idle;
  idle_bytes_ += usable;
  base::poison(idle, usable);
}

}  // namespace weir::http::h2
