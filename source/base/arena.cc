#include "source/base/arena.h"

#include <cstring>

#include "source/base/poison.h"

namespace weir::base {
namespace {

// Whether a request of this size and alignment always fits behind the header of a fresh pooled chunk.
bool fitsPooledChunk(size_t bytes, size_t alignment, size_t header) {
  return bytes <= ChunkPool::kChunkBytes && bytes + alignment <= ChunkPool::kChunkBytes - header;
}

}  // namespace

ChunkPool::~ChunkPool() {
  while (free_ != nullptr) {
    Free* const next = free_->next;
    unpoison(free_, kChunkBytes);
    ::operator delete(free_);
    free_ = next;
  }
}

void* ChunkPool::take() {
  if (free_ == nullptr) return ::operator new(kChunkBytes);
  Free* const chunk = free_;
  free_ = chunk->next;
  --free_count_;
  unpoison(chunk, kChunkBytes);
  return chunk;
}

void ChunkPool::give(void* chunk) {
  if (free_count_ >= keep_) {
    ::operator delete(chunk);
    return;
  }
  free_ = new (chunk) Free{free_};
  ++free_count_;
  poison(static_cast<char*>(chunk) + sizeof(Free), kChunkBytes - sizeof(Free));
}

void* Arena::allocateSlow(size_t bytes, size_t alignment) {
  if (!fitsPooledChunk(bytes, alignment, sizeof(Chunk))) {
    // Memory of its own; the chunk being filled stays the current one.
    char* const memory = static_cast<char*>(::operator new(sizeof(Chunk) + bytes + alignment));
    chunks_ = new (memory) Chunk{chunks_, false};
    return alignUp(memory + sizeof(Chunk), alignment);
  }
  char* const memory = static_cast<char*>(pool_->take());
  chunks_ = new (memory) Chunk{chunks_, true};
  char* const start = alignUp(memory + sizeof(Chunk), alignment);
  at_ = start + bytes;
  end_ = memory + ChunkPool::kChunkBytes;
  return start;
}

std::string_view Arena::copy(std::string_view text) {
  if (text.empty()) return {};
  char* const out = allocateChars(text.size());
  memcpy(out, text.data(), text.size());
  return {out, text.size()};
}

std::string_view Arena::copyLower(std::string_view text) {
  if (text.empty()) return {};
  char* const out = allocateChars(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    out[i] = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  }
  return {out, text.size()};
}

std::string_view Arena::join(std::string_view a, std::string_view b) {
  if (a.empty()) return copy(b);
  char* const out = allocateChars(a.size() + b.size());
  memcpy(out, a.data(), a.size());
  if (!b.empty()) memcpy(out + a.size(), b.data(), b.size());
  return {out, a.size() + b.size()};
}

void Arena::atReset(void (*fn)(void*), void* argument) {
  finalisers_ = new (allocate(sizeof(Finaliser), alignof(Finaliser))) Finaliser{finalisers_, fn, argument};
}

void Arena::reset() {
  while (finalisers_ != nullptr) {
    Finaliser* const last = finalisers_;
    finalisers_ = last->next;
    last->fn(last->argument);
  }
  while (chunks_ != nullptr) {
    Chunk* const chunk = chunks_;
    chunks_ = chunk->next;
    if (chunk->pooled) {
      pool_->give(chunk);
    } else {
      ::operator delete(chunk);
    }
  }
  at_ = nullptr;
  end_ = nullptr;
  used_ = 0;
}

}  // namespace weir::base
