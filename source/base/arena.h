// Arena: bump allocation for everything that lives as long as one exchange (heads, header fields, filters, log
// values). Chunks come from a per-worker ChunkPool, so a steady load allocates nothing. Freed all at once by reset()
// or the destructor, which first run the registered finalisers, last registered first. One worker; never shared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

namespace weir::base {

// Recycles 4 KiB chunks of one worker; keeps at most `keep` of them when they are idle.
class ChunkPool {
 public:
  static constexpr size_t kChunkBytes = 4096;
  explicit ChunkPool(size_t keep = 256) : keep_(keep) {}
  ~ChunkPool();
  ChunkPool(const ChunkPool&) = delete;
  ChunkPool& operator=(const ChunkPool&) = delete;

  void* take();
  void give(void* chunk);

 private:
  struct Free {
    Free* next;
  };
  Free* free_ = nullptr;
  size_t free_count_ = 0;
  size_t keep_;
};

class Arena {
 public:
  // The pool must outlive the arena.
  explicit Arena(ChunkPool& pool) : pool_(&pool) {}
  ~Arena() { reset(); }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Never null. Requests above a chunk get memory of their own, freed with the arena.
  void* allocate(size_t bytes, size_t alignment = alignof(std::max_align_t)) {
    used_ += bytes;
    char* const start = alignUp(at_, alignment);
    if (at_ == nullptr || start > end_ || bytes > static_cast<size_t>(end_ - start)) [[unlikely]] {
      return allocateSlow(bytes, alignment);
    }
    at_ = start + bytes;
    return start;
  }
  char* allocateChars(size_t bytes) { return static_cast<char*>(allocate(bytes, 1)); }
  // A copy of `text` that lives as long as the arena.
  std::string_view copy(std::string_view text);
  // Lower-cased ASCII copy.
  std::string_view copyLower(std::string_view text);
  // `a` and `b` joined.
  std::string_view join(std::string_view a, std::string_view b);

  // Constructs a T; its destructor runs at reset() if it has one that does something.
  template <typename T, typename... Args>
  T* make(Args&&... args) {
    T* object = new (allocate(sizeof(T), alignof(T))) T(std::forward<Args>(args)...);
    if constexpr (!std::is_trivially_destructible_v<T>) {
      atReset([](void* p) { static_cast<T*>(p)->~T(); }, object);
    }
    return object;
  }

  // Calls fn(argument) at reset(), before memory goes back.
  void atReset(void (*fn)(void*), void* argument);
  void reset();
  // Bytes handed out since the last reset, for limits and tests.
  size_t used() const { return used_; }

 private:
  struct Chunk {
    Chunk* next;
    bool pooled;
  };
  struct Finaliser {
    Finaliser* next;
    void (*fn)(void*);
    void* argument;
  };
  static char* alignUp(char* at, size_t alignment) {
    // A power of two: a division would take longer than all the rest.
    return at + (-reinterpret_cast<uintptr_t>(at) & (alignment - 1));
  }
  void* allocateSlow(size_t bytes, size_t alignment);

  ChunkPool* pool_;
  char* at_ = nullptr;
  char* end_ = nullptr;
  Chunk* chunks_ = nullptr;
  Finaliser* finalisers_ = nullptr;
  size_t used_ = 0;
};

}  // namespace weir::base
