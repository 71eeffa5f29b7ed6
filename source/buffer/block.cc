#include "source/buffer/block.h"

#include <memory>
#include <new>

#include "source/base/check.h"
#include "source/base/poison.h"
#include "source/buffer/kernel_pipe.h"

namespace weir::buffer {
namespace {

constexpr size_t kBlockBytes = sizeof(Block) + Block::kBytes;
constexpr size_t kSlicesPerBlock = 16;
// Each is two descriptors, and up to KernelPipe::kBytes of the kernel's memory.
constexpr size_t kMostPipes = 256;
constexpr size_t kIdlePipes = 32;
// The link of the idle list stays readable; everything behind it is poisoned.
constexpr size_t kLinkBytes = sizeof(void*);

template <typename T>
void poisonIdle(T* object, size_t bytes) {
  base::poison(reinterpret_cast<char*>(object) + kLinkBytes, bytes - kLinkBytes);
}

}  // namespace

BlockPool::~BlockPool() {
  CHECK(in_use_ == 0, "a block pool outlives all its buffers");
  while (free_blocks_ != nullptr) {
    Block* const block = free_blocks_;
    free_blocks_ = block->next_idle;
    base::unpoison(block, kBlockBytes);
    ::operator delete(block);
  }
  while (free_kernel_blocks_ != nullptr) {
    Block* const block = free_kernel_blocks_;
    free_kernel_blocks_ = block->next_idle;
    destroyKernel(block);
  }
  while (free_slices_ != nullptr) {
    Slice* const slice = free_slices_;
    free_slices_ = slice->next;
    base::unpoison(slice, sizeof(Slice));
    delete slice;
  }
}

Block* BlockPool::take() {
  Block* block = free_blocks_;
  if (block != nullptr) {
    free_blocks_ = block->next_idle;
    --free_block_count_;
    base::unpoison(block, kBlockBytes);
  } else {
    block = new (::operator new(kBlockBytes)) Block;
  }
  block->pool = this;
  block->references = 1;
  block->filled = 0;
  block->pipe = nullptr;
  ++in_use_;
  return block;
}

Block* BlockPool::takeKernel() {
  Block* block = free_kernel_blocks_;
  if (block != nullptr) {
    free_kernel_blocks_ = block->next_idle;
    --free_kernel_block_count_;
  } else {
    if (kernel_blocks_ == kMostPipes) return nullptr;
    std::unique_ptr<KernelPipe> pipe = KernelPipe::open();
    if (pipe == nullptr) return nullptr;
    block = new Block;
    block->pipe = pipe.release();
    ++kernel_blocks_;
  }
  block->pool = this;
  block->references = 1;
  block->filled = 0;
  ++in_use_;
  return block;
}

void BlockPool::destroyKernel(Block* block) {
  delete block->pipe;
  delete block;
}

// What nobody took out is still in the pipe, which is then of no more use.
void BlockPool::recycleKernel(Block* block) {
  if (block->pipe->taken() != block->filled || free_kernel_block_count_ == kIdlePipes) {
    --kernel_blocks_;
    return destroyKernel(block);
  }
  block->pipe->restart();
  block->next_idle = free_kernel_blocks_;
  free_kernel_blocks_ = block;
  ++free_kernel_block_count_;
}

void BlockPool::recycle(Block* block) {
  --in_use_;
  if (block->inKernel()) return recycleKernel(block);
  if (free_block_count_ >= keep_) {
    ::operator delete(block);
    return;
  }
  block->next_idle = free_blocks_;
  free_blocks_ = block;
  ++free_block_count_;
  poisonIdle(block, kBlockBytes);
}

Slice* BlockPool::takeSlice() {
  if (free_slices_ == nullptr) return new Slice;
  Slice* const slice = free_slices_;
  free_slices_ = slice->next;
  --free_slice_count_;
  base::unpoison(slice, sizeof(Slice));
  return slice;
}

void BlockPool::giveSlice(Slice* slice) {
  if (free_slice_count_ >= keep_ * kSlicesPerBlock) {
    delete slice;
    return;
  }
  slice->next = free_slices_;
  free_slices_ = slice;
  ++free_slice_count_;
  poisonIdle(slice, sizeof(Slice));
}

}  // namespace weir::buffer
