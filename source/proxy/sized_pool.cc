#include "source/proxy/sized_pool.h"

#include <sys/mman.h>

#include <new>

#include "source/base/check.h"
#include "source/base/poison.h"

namespace weir::proxy {
namespace {

constexpr size_t kAlign = alignof(std::max_align_t);

constexpr size_t rounded(size_t bytes) { return (bytes + kAlign - 1) / kAlign * kAlign; }

// Slabs stand at multiples of their size, so that an object's address tells its slab. With AddressSanitizer they are of
// the heap: what only objects in a slab point to would else be taken for lost.
#ifdef WEIR_ADDRESS_SANITIZER
void* mapSlab() { return ::operator new (SizedPool::kSlabBytes, std::align_val_t{SizedPool::kSlabBytes}); }
void unmapSlab(void* slab) { ::operator delete (slab, std::align_val_t{SizedPool::kSlabBytes}); }
#else
void* mapSlab() {
  constexpr size_t kBytes = SizedPool::kSlabBytes;
  void* const mapped = ::mmap(nullptr, 2 * kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  char* const begin = static_cast<char*>(mapped);
  const size_t before = (kBytes - reinterpret_cast<uintptr_t>(begin) % kBytes) % kBytes;
  if (before > 0) ::munmap(begin, before);
  ::munmap(begin + before + kBytes, kBytes - before);
  return begin + before;
}
void unmapSlab(void* slab) { ::munmap(slab, SizedPool::kSlabBytes); }
#endif

}  // namespace

SizedPool::~SizedPool() {
  while (empty_.first != nullptr) {
    Slab& slab = *empty_.first;
    empty_.remove(slab);
    destroy(slab);
  }
  if (partial_.first != nullptr && partial_.first->used == 0) destroy(*partial_.first);
  CHECK(slabs_ == 0, "a pool outlives its objects");
}

void SizedPool::List::push(Slab& slab) {
  slab.previous = nullptr;
  slab.next = first;
  if (first != nullptr) first->previous = &slab;
  first = &slab;
}

void SizedPool::List::remove(Slab& slab) {
  (slab.previous != nullptr ? slab.previous->next : first) = slab.next;
  if (slab.next != nullptr) slab.next->previous = slab.previous;
}

void* SizedPool::take(size_t bytes) {
  if (bytes != bytes_) {
    CHECK(bytes_ == 0 && bytes <= kSlabBytes / 4, "the objects of a pool have one size");
    bytes_ = bytes;
    stride_ = rounded(bytes);
    per_slab_ = static_cast<uint32_t>((kSlabBytes - rounded(sizeof(Slab))) / stride_);
  }
  Slab& slab = partial_.first != nullptr ? *partial_.first : slabWithRoom();
  void* memory = slab.free;
  if (memory != nullptr) {
    base::unpoison(memory, bytes_);
    slab.free = slab.free->next;
  } else {
    memory = place(slab, slab.fresh++);
    base::unpoison(memory, bytes_);
  }
  if (++slab.used == per_slab_) partial_.remove(slab);
  return memory;
}

void SizedPool::give(void* memory) {
  Slab& slab = *reinterpret_cast<Slab*>(reinterpret_cast<uintptr_t>(memory) & ~uintptr_t{kSlabBytes - 1});
  slab.free = new (memory) Free{slab.free};
  base::poison(memory, bytes_);
  if (slab.used-- == per_slab_) partial_.push(slab);
  // The last one that has room stays where it is, so that one object that comes and goes moves no slab.
  if (slab.used > 0 || (partial_.first == &slab && slab.next == nullptr)) return;
  partial_.remove(slab);
  if ((empty_slabs_ + 2) * per_slab_ > keep_) {
    destroy(slab);
    return;
  }
  ++empty_slabs_;
  empty_.push(slab);
}

// Of a slab that has none: an empty one, or a new one.
SizedPool::Slab& SizedPool::slabWithRoom() {
  Slab* slab = empty_.first;
  if (slab != nullptr) {
    --empty_slabs_;
    empty_.remove(*slab);
  } else {
    slab = newSlab();
  }
  partial_.push(*slab);
  return *slab;
}

SizedPool::Slab* SizedPool::newSlab() {
  Slab* const slab = new (mapSlab()) Slab;
  base::poison(place(*slab, 0), per_slab_ * stride_);
  ++slabs_;
  return slab;
}

void SizedPool::destroy(Slab& slab) {
  base::unpoison(place(slab, 0), per_slab_ * stride_);
  unmapSlab(&slab);
  --slabs_;
}

char* SizedPool::place(Slab& slab, size_t index) const {
  return reinterpret_cast<char*>(&slab) + rounded(sizeof(Slab)) + index * stride_;
}

}  // namespace weir::proxy
