// SizedPool: memory for objects of one size that come and go often: exchanges, codecs, connections. Made by the
// ExchangePool, one for each kind, and owned by it; one worker.
//
// Objects stand in slabs of their own, not among what lives longer, so that a burst leaves no holes: a slab without
// objects goes back to the kernel, but for the few that the next requests will want. Memory that is not taken is
// poisoned (source/base/poison.h).
#pragma once

#include <cstddef>
#include <cstdint>

namespace weir::proxy {

class SizedPool {
 public:
  static constexpr size_t kSlabBytes = size_t{64} * 1024;

  // Slabs without objects are kept as far as they have room for at most `keep`, and one in any case.
  explicit SizedPool(size_t keep) : keep_(keep) {}
  // Everything was given back.
  ~SizedPool();
  SizedPool(const SizedPool&) = delete;
  SizedPool& operator=(const SizedPool&) = delete;

  // Memory for an object of `bytes`, at most a quarter of a slab; every call asks for the same number.
  void* take(size_t bytes);
  void give(void* memory);

  size_t slabs() const { return slabs_; }

 private:
  struct Free {
    Free* next;
  };
  // At the front of its memory.
  struct Slab {
    Slab* next = nullptr;
    Slab* previous = nullptr;
    Free* free = nullptr;
    uint32_t used = 0;
    uint32_t fresh = 0;  // places from the front that were ever taken
  };
  struct List {
    Slab* first = nullptr;
    void push(Slab& slab);
    void remove(Slab& slab);
  };

  Slab& slabWithRoom();
  Slab* newSlab();
  void destroy(Slab& slab);
  char* place(Slab& slab, size_t index) const;

  const size_t keep_;
  size_t bytes_ = 0;   // of an object
  size_t stride_ = 0;  // from one to the next
  uint32_t per_slab_ = 0;
  size_t slabs_ = 0;
  size_t empty_slabs_ = 0;
  List partial_;  // some objects, and room for more
  List empty_;
};

}  // namespace weir::proxy
