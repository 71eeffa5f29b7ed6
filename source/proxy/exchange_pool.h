// ExchangePool: what the exchanges and downstream connections of one worker share: the memory that finished exchanges
// leave for the next, that of HTTP/2 sessions, and the text of the Date header. Made by the worker and owned by it; one
// worker; outlives every exchange and connection.
#pragma once

#include <cstddef>

#include "source/http/date.h"
#include "source/http/h2/session_memory.h"
#include "source/proxy/shadow.h"

namespace weir::proxy {

// Memory of objects of one size.
class SizedPool {
 public:
  // Keeps that of at most `keep` objects.
  explicit SizedPool(size_t keep) : keep_(keep) {}
  ~SizedPool();
  SizedPool(const SizedPool&) = delete;
  SizedPool& operator=(const SizedPool&) = delete;

  // Memory for an object of `bytes`; every call asks for the same number.
  void* take(size_t bytes);
  void give(void* memory);

 private:
  struct Free {
    Free* next;
  };
  Free* free_ = nullptr;
  size_t free_count_ = 0;
  size_t keep_;
  size_t bytes_ = 0;
};

class ExchangePool {
 public:
  // Keeps the memory of at most `keep` exchanges, and of as many codecs.
  explicit ExchangePool(size_t keep = 1024) : h1_codecs(keep), exchanges_(keep) {}

  void* take(size_t bytes) { return exchanges_.take(bytes); }
  void give(void* memory) { exchanges_.give(memory); }

  // The codecs of clients that speak HTTP/1 and have a request under way.
  SizedPool h1_codecs;
  // The text of the Date header.
  http::DateText date;
  // Of the codecs of clients that speak HTTP/2.
  http::h2::SessionMemory h2_memory;
  // Mirrored requests; cleared before the clusters of the worker are gone.
  ShadowPool shadows;

 private:
  SizedPool exchanges_;
};

}  // namespace weir::proxy
