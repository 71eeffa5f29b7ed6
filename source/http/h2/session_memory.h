// SessionMemory: where the HTTP/2 sessions of one worker take the memory of their streams and tables, so that it is
// counted apart and a steady load takes nothing from the heap. Free pieces are kept by size, up to a bound. Made and
// owned by the worker's owner of codecs; outlives every codec that uses it. One worker.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace weir::http::h2 {

class SessionMemory {
 public:
  // Keeps at most `keep_bytes` of idle memory.
  explicit SessionMemory(size_t keep_bytes = 1024 * 1024) : keep_bytes_(keep_bytes) {}
  ~SessionMemory();
  SessionMemory(const SessionMemory&) = delete;
  SessionMemory& operator=(const SessionMemory&) = delete;

  // Aligned for 8 bytes; never null but when the heap has nothing. release(nullptr) does nothing.
  void* allocate(size_t bytes);
  void* allocateZeroed(size_t bytes);
  void release(void* memory);

  // A place to write in, of at least `bytes`, for all sessions of the worker: valid until the next call. Grows and
  // stays.
  char* scratch(size_t bytes);

  size_t bytesInUse() const { return bytes_in_use_; }
  // Pieces that came from the heap, and calls of allocate(); for tests and gauges.
  size_t heapAllocations() const { return heap_allocations_; }
  size_t allocations() const { return allocations_; }

 private:
  struct Header {
    uint32_t size_class;
    uint32_t bytes;  // usable
  };
  struct Idle {
    Idle* next;
  };
  static constexpr size_t kClasses = 30;
  static constexpr size_t kUnpooled = kClasses;

  static size_t classOf(size_t bytes);
  static size_t classBytes(size_t size_class);

  std::array<Idle*, kClasses> idle_{};
  std::unique_ptr<char[]> scratch_;
  size_t scratch_bytes_ = 0;
  size_t keep_bytes_;
  size_t idle_bytes_ = 0;
  size_t bytes_in_use_ = 0;
  size_t heap_allocations_ = 0;
  size_t allocations_ = 0;
};

}  // namespace weir::http::h2
