#include "source/buffer/buffer.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "source/base/check.h"
#include "source/buffer/kernel_pipe.h"

namespace weir::buffer {

void Buffer::moveWhileReserved() {
  base::checkFailed(__FILE__, __LINE__, "other.reserved_ == nullptr", "nothing happens between reserve and commit");
}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  if (this == &other) return *this;
  CHECK(other.reserved_ == nullptr, "nothing happens between reserve and commit");
  clear();
  pool_ = other.pool_;
  head_ = std::exchange(other.head_, nullptr);
  tail_ = std::exchange(other.tail_, nullptr);
  size_ = std::exchange(other.size_, 0);
  return *this;
}

size_t Buffer::tailRoom() const {
  // Only a slice that ends at the fill mark may grow, however many share the block. Where two buffers share the slice
  // itself, whichever grows first moves the mark, and the other sees that the space is taken.
  if (tail_ == nullptr || tail_->block->inKernel()) return 0;
  if (tail_->data + tail_->size != tail_->block->freeSpace()) return 0;
  return tail_->block->freeBytes();
}

void Buffer::extendTail(const char* bytes, size_t size) {
  memcpy(tail_->data + tail_->size, bytes, size);
  tail_->size += size;
  tail_->block->filled += static_cast<uint32_t>(size);
  size_ += size;
}

Slice* Buffer::newSlice(Block* block, char* data, size_t size) {
  Slice* const slice = pool_->takeSlice();
  *slice = Slice{nullptr, block, data, size};
  return slice;
}

void Buffer::freeSlice(Slice* slice) {
  BlockPool::release(slice->block);
  pool_->giveSlice(slice);
}

void Buffer::pushBack(Slice* slice) {
  size_ += slice->size;
  // What was cut in two becomes one slice again.
  if (tail_ != nullptr && tail_->block == slice->block && tail_->data + tail_->size == slice->data) {
    tail_->size += slice->size;
    freeSlice(slice);
    return;
  }
  slice->next = nullptr;
  (tail_ == nullptr ? head_ : tail_->next) = slice;
  tail_ = slice;
}

Slice* Buffer::popFront() {
  Slice* const slice = head_;
  head_ = slice->next;
  if (head_ == nullptr) tail_ = nullptr;
  size_ -= slice->size;
  return slice;
}

void Buffer::adopt(Slice* slice) {
  if (slice->block->inKernel()) return pushBack(slice);
  const bool continues = tail_ != nullptr && tail_->block == slice->block && tail_->data + tail_->size == slice->data;
  // A small slice goes by reference only if that is as good as a fresh block: when there is no room behind the tail,
  // nobody else keeps its block alive, and that block has room for the small pieces that follow.
  Block* const block = slice->block;
  const bool as_good_as_fresh = tailRoom() < slice->size && block->references == 1 &&
                                slice->data + slice->size == block->freeSpace() &&
                                block->freeBytes() >= Block::kBytes / 2;
  if (slice->size >= kPacked || continues || as_good_as_fresh) {
    pushBack(slice);
    return;
  }
  append(std::string_view(slice->data, slice->size));
  freeSlice(slice);
}

void Buffer::append(std::string_view bytes) {
  const char* from = bytes.data();
  size_t left = bytes.size();
  while (left > 0) {
    size_t room = tailRoom();
    if (room == 0) {
      Block* const block = pool_->take();
      pushBack(newSlice(block, block->data(), 0));
      room = Block::kBytes;
    }
    const size_t n = std::min(left, room);
    extendTail(from, n);
    from += n;
    left -= n;
  }
}

void Buffer::append(Buffer&& other) { moveFrom(other, other.size_); }

void Buffer::moveFrom(Buffer& other, size_t bytes) {
  CHECK(this != &other, "a buffer cannot be moved behind itself");
  CHECK(pool_ == other.pool_, "buffers that exchange slices share a pool");
  CHECK(reserved_ == nullptr && other.reserved_ == nullptr, "nothing happens between reserve and commit");
  if (bytes >= other.size_ && head_ == nullptr) {
    std::swap(head_, other.head_);
    std::swap(tail_, other.tail_);
    std::swap(size_, other.size_);
    return;
  }
  // A small body that goes behind its head: the usual one.
  if (bytes >= other.size_ && other.size_ < kPacked && other.inOnePiece() && tailRoom() >= other.size_ &&
      other.head_->block != tail_->block) {
    extendTail(other.head_->data, other.size_);
    other.dropOnly();
    return;
  }
  while (bytes > 0 && other.head_ != nullptr) {
    if (other.head_->size <= bytes) {
      Slice* const slice = other.popFront();
      bytes -= slice->size;
      adopt(slice);
      continue;
    }
    Slice* const rest = other.head_;
    if (rest->block->inKernel()) {
      // A pipe never has two slices: it gives its bytes out in order, and their buffers go ways of their own.
      readFrom(rest, bytes);
      other.size_ -= bytes;
      return;
    }
    BlockPool::retain(rest->block);
    Slice* const cut = newSlice(rest->block, rest->data, bytes);
    rest->data += bytes;
    rest->size -= bytes;
    other.size_ -= bytes;
    bytes = 0;
    adopt(cut);
  }
}

void Buffer::appendShared(const Buffer& other) {
  CHECK(this != &other && pool_ == other.pool_, "two buffers that exchange slices share a pool");
  CHECK(reserved_ == nullptr && other.reserved_ == nullptr, "nothing happens between reserve and commit");
  other.makeReadable();
  for (const Slice* s = other.head_; s != nullptr; s = s->next) {
    if (s->size < kPacked) {
      append(std::string_view(s->data, s->size));
      continue;
    }
    BlockPool::retain(s->block);
    pushBack(newSlice(s->block, s->data, s->size));
  }
}

void Buffer::prepend(std::string_view bytes) {
  CHECK(reserved_ == nullptr, "nothing happens between reserve and commit");
  while (!bytes.empty()) {
    // Before the first slice there is room if nobody else can see the block.
    size_t room = 0;
    if (head_ != nullptr && head_->block->references == 1 && !head_->block->inKernel())
      room = static_cast<size_t>(head_->data - head_->block->data());
    if (room == 0) {
      // Filled from its end, so that what comes before it later finds room too.
      Block* const block = pool_->take();
      block->filled = Block::kBytes;
      Slice* const slice = newSlice(block, block->data() + Block::kBytes, 0);
      slice->next = head_;
      head_ = slice;
      if (tail_ == nullptr) tail_ = slice;
      room = Block::kBytes;
    }
    const size_t n = std::min(room, bytes.size());
    head_->data -= n;
    head_->size += n;
    memcpy(head_->data, bytes.data() + bytes.size() - n, n);
    size_ += n;
    bytes.remove_suffix(n);
  }
}

void Buffer::drain(size_t bytes) {
  CHECK(reserved_ == nullptr, "nothing happens between reserve and commit");
  if (head_ != nullptr && head_ == tail_ && bytes >= size_) [[likely]]
    return dropOnly();
  while (bytes > 0 && head_ != nullptr) {
    if (head_->size <= bytes) {
      Slice* const slice = popFront();
      bytes -= slice->size;
      freeSlice(slice);
      continue;
    }
    head_->data += bytes;
    head_->size -= bytes;
    size_ -= bytes;
    return;
  }
}

void Buffer::clear() {
  if (head_ == nullptr && reserved_ == nullptr) [[likely]]
    return;
  // Apart, so that an empty buffer, which most are, takes no more than the test.
  [this]() __attribute__((noinline)) {
    while (head_ != nullptr) freeSlice(popFront());
    while (reserved_ != nullptr) freeSlice(std::exchange(reserved_, reserved_->next));
  }
  ();
}

std::string_view Buffer::front() const {
  if (startsInKernel()) makeReadable();
  return head_ == nullptr ? std::string_view() : std::string_view(head_->data, head_->size);
}

size_t Buffer::copyOut(size_t offset, std::span<char> out) const {
  makeReadable();
  size_t copied = 0;
  for (const Slice* s = head_; s != nullptr && copied < out.size(); s = s->next) {
    if (offset >= s->size) {
      offset -= s->size;
      continue;
    }
    const size_t n = std::min(s->size - offset, out.size() - copied);
    memcpy(out.data() + copied, s->data + offset, n);
    copied += n;
    offset = 0;
  }
  return copied;
}

std::string Buffer::toString() const {
  makeReadable();
  std::string out;
  out.reserve(size_);
  for (const Slice* s = head_; s != nullptr; s = s->next) out.append(s->data, s->size);
  return out;
}

size_t Buffer::find(char byte, size_t from) const {
  makeReadable();
  size_t start = 0;
  for (const Slice* s = head_; s != nullptr; start += s->size, s = s->next) {
    if (from >= start + s->size) continue;
    const size_t skip = from > start ? from - start : 0;
    const void* const hit = memchr(s->data + skip, byte, s->size - skip);
    if (hit != nullptr) return start + static_cast<size_t>(static_cast<const char*>(hit) - s->data);
  }
  return npos;
}

size_t Buffer::iovecs(std::span<iovec> out) const {
  size_t count = 0;
  for (const Slice* s = head_; s != nullptr && count < out.size() && !s->block->inKernel(); s = s->next) {
    out[count++] = {s->data, s->size};
  }
  return count;
}

void Buffer::makeReadable() const {
  const Slice* s = head_;
  while (s != nullptr && !s->block->inKernel()) s = s->next;
  if (s == nullptr) return;
  // Where the bytes lie is not what a reader of the buffer can see.
  auto* const self = const_cast<Buffer*>(this);
  Slice* slice = std::exchange(self->head_, nullptr);
  self->tail_ = nullptr;
  self->size_ = 0;
  while (slice != nullptr) {
    Slice* const next = slice->next;
    if (slice->block->inKernel()) {
      self->readFrom(slice, slice->size);
      self->freeSlice(slice);
    } else {
      self->pushBack(slice);
    }
    slice = next;
  }
}

// Appends the first bytes of a slice in the kernel, read into blocks; takes them off the slice.
void Buffer::readFrom(Slice* slice, size_t bytes) {
  while (bytes > 0) {
    Block* const block = pool_->take();
    const size_t n = std::min(bytes, Block::kBytes);
    slice->block->pipe->read(offsetOf(slice), block->data(), n);
    block->filled = static_cast<uint32_t>(n);
    pushBack(newSlice(block, block->data(), n));
    slice->data += n;
    slice->size -= n;
    bytes -= n;
  }
}

ssize_t Buffer::fillFromKernel(int from, size_t most) {
  CHECK(reserved_ == nullptr, "nothing happens between reserve and commit");
  Block* const block = pool_->takeKernel();
  if (block == nullptr) {
    errno = EMFILE;
    return -1;
  }
  const ssize_t moved = block->pipe->fill(from, most);
  if (moved > 0) {
    block->filled = static_cast<uint32_t>(moved);
    pushBack(newSlice(block, reinterpret_cast<char*>(block), static_cast<size_t>(moved)));
    return moved;
  }
  const int error = errno;
  BlockPool::release(block);
  errno = error;
  return moved;
}

ssize_t Buffer::drainIntoKernel(int to) {
  CHECK(startsInKernel(), "there is something in the kernel to drain");
  const ssize_t moved = head_->block->pipe->drain(offsetOf(head_), to, head_->size);
  if (moved > 0) drain(static_cast<size_t>(moved));
  return moved;
}

size_t Buffer::reserve(size_t want, std::span<iovec> out) {
  CHECK(reserved_ == nullptr, "a reservation is committed before the next");
  const size_t entries = std::min(out.size(), kMaxReserved);
  CHECK(entries > 0, "there is a place to name at least one piece of space");
  size_t count = 0;
  size_t total = 0;
  Slice** end = &reserved_;
  const auto add = [&](Block* block) {
    Slice* const slice = newSlice(block, block->freeSpace(), 0);
    out[count++] = {slice->data, block->freeBytes()};
    total += block->freeBytes();
    *end = slice;
    end = &slice->next;
  };
  const size_t room = tailRoom();
  if (room > 0 && (entries > 1 || room >= std::min(want, kPacked))) {
    BlockPool::retain(tail_->block);
    add(tail_->block);
  }
  while (count == 0 || (total < want && count < entries)) add(pool_->take());
  return count;
}

iovec Buffer::reserveBlock() {
  CHECK(reserved_ == nullptr && head_ == nullptr, "a reservation is committed before the next");
  Block* const block = pool_->take();
  reserved_ = newSlice(block, block->data(), 0);
  return {block->data(), Block::kBytes};
}

void Buffer::commit(size_t bytes) {
  // What reserveBlock() has reserved.
  if (head_ == nullptr && reserved_ != nullptr && reserved_->next == nullptr && bytes > 0 &&
      bytes <= reserved_->block->freeBytes()) [[likely]] {
    head_ = tail_ = std::exchange(reserved_, nullptr);
    head_->size = size_ = bytes;
    head_->block->filled += static_cast<uint32_t>(bytes);
    return;
  }
  while (reserved_ != nullptr) {
    Slice* const slice = std::exchange(reserved_, reserved_->next);
    const size_t n = std::min(bytes, slice->block->freeBytes());
    if (n == 0) {
      freeSlice(slice);
      continue;
    }
    slice->size = n;
    slice->block->filled += static_cast<uint32_t>(n);
    bytes -= n;
    pushBack(slice);
  }
  CHECK(bytes == 0, "no more is committed than was reserved");
}

}  // namespace weir::buffer
