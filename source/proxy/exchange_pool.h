// ExchangePool: what the exchanges of one worker share: the memory that finished ones leave for the next, the clusters
// by name, and the text of the Date header. Made by the worker and owned by it; one worker; outlives every exchange.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "absl/time/time.h"

namespace weir::proxy {

class ExchangePool {
 public:
  // Keeps the memory of at most `keep` exchanges.
  explicit ExchangePool(size_t keep = 256) : keep_(keep) {}
  ~ExchangePool();
  ExchangePool(const ExchangePool&) = delete;
  ExchangePool& operator=(const ExchangePool&) = delete;

  // Memory for an object of `bytes`; every call asks for the same number.
  void* take(size_t bytes);
  void give(void* memory);

  // "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7), made once a second. Valid until the next call.
  std::string_view date(absl::Time now);

 private:
  struct Free {
    Free* next;
  };
  Free* free_ = nullptr;
  size_t free_count_ = 0;
  size_t keep_;
  size_t bytes_ = 0;
  int64_t date_second_ = -1;
  char date_[30];
};

}  // namespace weir::proxy
