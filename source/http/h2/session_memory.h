// SessionMemory: where the HTTP/2 sessions of one worker and the library under them take their memory, so that it is
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
  void* reallocate(void* memory, size_t bytes);
  void release(void* memory);

  // While one lives, the first allocation of at least kFrameBytes is the frame that all sessions of the worker write
  // in turn, instead of one of their own. Only while a session of the library is being made: but for the preface of a
  // client, which must be taken from it at once, the library keeps nothing in that frame from one call of it to the
  // next, and whoever calls it copies the frame before calling any other session.
  class SharesFrame {
   public:
    explicit SharesFrame(SessionMemory& memory) : memory_(memory) { memory_.share_frame_ = true; }
    ~SharesFrame() { memory_.share_frame_ = false; }

   private:
    SessionMemory& memory_;
  };
  static constexpr size_t kFrameBytes = 16 * 1024;

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
  std::unique_ptr<char[]> frame_;
  size_t frame_bytes_ = 0;
  size_t keep_bytes_;
  size_t idle_bytes_ = 0;
  size_t bytes_in_use_ = 0;
  size_t heap_allocations_ = 0;
  size_t allocations_ = 0;
  bool share_frame_ = false;
};

}  // namespace weir::http::h2
