#include "source/proxy/exchange_pool.h"

#include <new>

#include "source/base/check.h"
#include "source/base/poison.h"

namespace weir::proxy {

SizedPool::~SizedPool() {
  while (free_ != nullptr) {
    base::unpoison(free_, bytes_);
    Free* const next = free_->next;
    ::operator delete(free_);
    free_ = next;
  }
}

void* SizedPool::take(size_t bytes) {
  CHECK(bytes_ == 0 || bytes == bytes_, "the objects of a pool have one size");
  bytes_ = bytes;
  if (free_ == nullptr) return ::operator new(bytes);
  base::unpoison(free_, bytes_);
  Free* const memory = free_;
  free_ = memory->next;
  --free_count_;
  return memory;
}

void SizedPool::give(void* memory) {
  if (free_count_ == keep_) {
    ::operator delete(memory);
    return;
  }
  free_ = new (memory) Free{free_};
  ++free_count_;
  base::poison(memory, bytes_);
}

}  // namespace weir::proxy
