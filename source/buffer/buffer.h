// Buffer: a queue of bytes as a chain of slices over pooled blocks. Moving bytes between buffers moves slices, never
// bytes (law 13); small pieces are packed together so that a peer that sends one byte at a time cannot make weir hold
// a block per byte. 40 bytes when empty, holding no block. One worker; all buffers that exchange slices share a pool.
//
// Bytes may also lie in the kernel (KernelPipe): moving and draining leave them there, everything that looks at bytes
// reads them into blocks first.
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "source/buffer/block.h"

namespace weir::buffer {

class Buffer {
 public:
  // The pool must outlive the buffer.
  explicit Buffer(BlockPool& pool) : pool_(&pool) {}
  Buffer(Buffer&& other) noexcept
      : pool_(other.pool_),
        head_(std::exchange(other.head_, nullptr)),
        tail_(std::exchange(other.tail_, nullptr)),
        size_(std::exchange(other.size_, 0)) {
    if (other.reserved_ != nullptr) moveWhileReserved();
  }
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer() { clear(); }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  BlockPool& pool() const { return *pool_; }

  // Copies `bytes` to the end. They may be a part of this buffer.
  void append(std::string_view bytes);
  // Moves everything of `other` to the end; `other` is empty afterwards.
  void append(Buffer&& other);
  // Moves the first `bytes` of `other`, or all if it has fewer, to the end. Slices of less than kPacked bytes are
  // copied behind what is there; a slice that is cut in two shares its block.
  void moveFrom(Buffer& other, size_t bytes);
  // Appends what `other` holds and goes on holding: both look into the same blocks, but for slices of less than kPacked
  // bytes, which are copied as by moveFrom().
  void appendShared(const Buffer& other);
  // Copies `bytes` to the front (used for what must go before a body: rare).
  void prepend(std::string_view bytes);
  // Drops the first `bytes`, or all if there are fewer.
  void drain(size_t bytes);
  void clear();

  // The first contiguous piece; empty when the buffer is. Valid until the buffer changes.
  std::string_view front() const;
  // Copies min(out.size(), size() - offset) bytes from `offset` on; returns how many.
  size_t copyOut(size_t offset, std::span<char> out) const;
  std::string toString() const;
  // Offset of the first `byte` at or after `from`, or npos.
  size_t find(char byte, size_t from = 0) const;
  static constexpr size_t npos = static_cast<size_t>(-1);

  // Calls fn(std::string_view piece) for each piece in order, until it returns false.
  template <typename Fn>
  void forEachPiece(Fn&& fn) const {
    makeReadable();
    for (const Slice* s = head_; s != nullptr; s = s->next) {
      if (!fn(std::string_view(s->data, s->size))) return;
    }
  }

  // The pieces as an iovec list, at most out.size() of them; returns how many were filled. For one writev. Ends before
  // bytes that lie in the kernel.
  size_t iovecs(std::span<iovec> out) const;
  // Whether there is one piece, which does not lie in the kernel: front() is all.
  bool inOnePiece() const { return head_ != nullptr && head_ == tail_ && !head_->block->inKernel(); }

  // Bytes in the kernel. Whether the first are there; reads all there are into blocks, which changes nothing but where
  // they lie.
  bool startsInKernel() const { return head_ != nullptr && head_->block->inKernel(); }
  void makeReadable() const;
  // Moves up to `most` bytes from the descriptor of a socket to the end, and from the front to one; as splice(2), with
  // errno: -1 and EMFILE when there is no pipe. The second only while startsInKernel().
  ssize_t fillFromKernel(int from, size_t most);
  ssize_t drainIntoKernel(int to);

  // A place to read into: fills `out` with free space of at least one byte and about `want` bytes in all (whole
  // blocks; the tail of the last block first, unless it is a scrap and `out` has one entry only). Returns the number of
  // entries. commit(n) then appends the first n bytes of it; abandoning it by calling commit(0) gives the blocks back.
  // Nothing else may happen in between.
  size_t reserve(size_t want, std::span<iovec> out);
  // The same of an empty buffer that wants no more than a block, which is what most reads want: that block.
  iovec reserveBlock();
  void commit(size_t bytes);

 private:
  static constexpr size_t kMaxReserved = 4;
  static constexpr size_t kPacked = 1024;

  [[noreturn]] static void moveWhileReserved();
  // Free bytes behind the last slice that nothing else uses.
  size_t tailRoom() const;
  void extendTail(const char* bytes, size_t size);
  // Where the bytes of a slice in the kernel begin in its pipe: its `data` counts on from the block's own address.
  static uint32_t offsetOf(const Slice* slice) {
    return static_cast<uint32_t>(slice->data - reinterpret_cast<const char*>(slice->block));
  }
  void readFrom(Slice* slice, size_t bytes);
  // A slice of the given place, holding a reference of its own that the caller took.
  Slice* newSlice(Block* block, char* data, size_t size);
  void freeSlice(Slice* slice);
  void pushBack(Slice* slice);
  Slice* popFront();
  // Drops the slice, which is the only one.
  void dropOnly() {
    freeSlice(head_);
    head_ = tail_ = nullptr;
    size_ = 0;
  }
  // Takes over a slice of another buffer.
  void adopt(Slice* slice);

  BlockPool* pool_;
  Slice* head_ = nullptr;
  Slice* tail_ = nullptr;
  size_t size_ = 0;
  Slice* reserved_ = nullptr;
};

}  // namespace weir::buffer
