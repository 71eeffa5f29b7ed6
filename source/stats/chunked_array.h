// ChunkedArray: a growing array of atomic cells whose elements never move, so that one thread may write cells while
// another adds more. Chunk n holds 64 * 2^n cells. grow() is for one thread at a time; cells are usable by a thread
// that learnt of them after grow() returned. Cells start as zero and are freed with the array. Large chunks are pages
// of the kernel, which take memory when they are first written: a worker pays for what it counts.
#pragma once

#include <sys/mman.h>

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

#include "source/base/check.h"

namespace weir::stats {

template <typename T>
class ChunkedArray {
 public:
  using Cell = std::atomic<T>;

  ChunkedArray() = default;
  ChunkedArray(const ChunkedArray&) = delete;
  ChunkedArray& operator=(const ChunkedArray&) = delete;
  ~ChunkedArray() {
    for (size_t n = 0; n < chunks_.size(); ++n) {
      Cell* const cells = chunks_[n].load(std::memory_order_relaxed);
      if (cells == nullptr) continue;
      if (inPages(n)) {
        ::munmap(static_cast<void*>(cells), bytesOf(n));
      } else {
        ::operator delete(cells, kCacheLine);
      }
    }
  }

  // Makes cells 0 to size - 1 usable.
  void grow(size_t size) {
    for (size_t n = 0; n < chunks_.size() && firstOf(n) < size; ++n) {
      if (chunks_[n].load(std::memory_order_relaxed) != nullptr) continue;
      chunks_[n].store(inPages(n) ? mapChunk(n) : makeChunk(n), std::memory_order_release);
    }
  }

  Cell& at(uint32_t index) const {
    const size_t n = chunkOf(index);
    Cell* const cells = chunks_[n].load(std::memory_order_acquire);
    CHECK(cells != nullptr, "a metric is registered before it is written");
    return cells[index - firstOf(n)];
  }

 private:
  static constexpr std::align_val_t kCacheLine{64};
  static constexpr size_t kFirst = 64;

  static constexpr size_t kPagedBytes = size_t{64} * 1024;

  // Lines of its own: what one worker writes is not next to what another does.
  static Cell* makeChunk(size_t n) {
    auto* const cells = static_cast<Cell*>(::operator new(bytesOf(n), kCacheLine));
    std::uninitialized_value_construct_n(cells, cellsOf(n));
    return cells;
  }
  // Zero bytes are cells of value zero.
  static Cell* mapChunk(size_t n) {
    static_assert(sizeof(Cell) == sizeof(T) && Cell::is_always_lock_free);
    void* const pages = ::mmap(nullptr, bytesOf(n), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(pages != MAP_FAILED, "there is memory for counters");
    return static_cast<Cell*>(pages);
  }

  static constexpr size_t bytesOf(size_t n) { return sizeof(Cell) * cellsOf(n); }
  static constexpr bool inPages(size_t n) { return bytesOf(n) >= kPagedBytes; }
  static constexpr size_t chunkOf(uint32_t index) { return std::bit_width(index / kFirst + 1) - 1; }
  static constexpr size_t cellsOf(size_t n) { return kFirst << n; }
  static constexpr size_t firstOf(size_t n) { return (kFirst << n) - kFirst; }

  // Enough for every index of 32 bits.
  std::array<std::atomic<Cell*>, chunkOf(UINT32_MAX) + 1> chunks_{};
};

}  // namespace weir::stats
