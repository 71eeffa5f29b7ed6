// Block: 20 KiB of bytes that came from a per-worker BlockPool, shared by the slices that look into it. The count is
// plain: a block never leaves its worker. BlockPool: made and owned by the worker, outlives all its buffers, keeps a
// bounded number of idle blocks so that a steady load allocates nothing, and gives the rest back to the heap.
// Destroying it while a block is in use is a bug, and checked.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weir::buffer {

class BlockPool;
class KernelPipe;

struct Block {
  // With what stands around it five pages. The commonest large piece (a body, an HTTP/2 frame or a TLS record of
  // 16 KiB) fits together with the head that comes before it.
  static constexpr size_t kBytes = 20 * 1024 - 64;
  union {
    BlockPool* pool;
    Block* next_idle;  // only while the pool keeps it
  };
  uint32_t references;
  uint32_t filled;  // bytes handed out from the front; what is behind may still be appended to by the last slice
  // Not null: the bytes are in the kernel, and there is nothing behind this header. See KernelPipe.
  KernelPipe* pipe;
  char* data() { return reinterpret_cast<char*>(this + 1); }
  char* freeSpace() { return data() + filled; }
  size_t freeBytes() const { return kBytes - filled; }
  bool inKernel() const { return pipe != nullptr; }
};

// One piece of a Buffer: a view into a block. Nodes are pooled too.
struct Slice {
  Slice* next;
  Block* block;
  char* data;
  size_t size;
};

class BlockPool {
 public:
  // Keeps at most `keep` idle blocks, and sixteen times as many slices. Under AddressSanitizer what is idle is
  // poisoned.
  explicit BlockPool(size_t keep = 64) : keep_(keep) {}
  ~BlockPool();
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;

  // A block with one reference and nothing filled.
  Block* take();
  // The same for bytes that stay in the kernel. Null when there are too many pipes, or no descriptors.
  Block* takeKernel();
  static void retain(Block* block) { ++block->references; }
  static void release(Block* block) {
    if (--block->references == 0) block->pool->recycle(block);
  }
  Slice* takeSlice();
  void giveSlice(Slice* slice);

  // Blocks in use now, for gauges and tests.
  size_t inUse() const { return in_use_; }

 private:
  void recycle(Block* block);
  void recycleKernel(Block* block);
  static void destroyKernel(Block* block);

  Block* free_blocks_ = nullptr;
  Slice* free_slices_ = nullptr;
  Block* free_kernel_blocks_ = nullptr;
  size_t free_kernel_block_count_ = 0;
  size_t kernel_blocks_ = 0;  // idle ones and those in use
  size_t free_block_count_ = 0;
  size_t free_slice_count_ = 0;
  size_t in_use_ = 0;
  size_t keep_;
};

}  // namespace weir::buffer
