// ExchangePool: what the exchanges and downstream connections of one worker share: the memory that finished exchanges
// leave for the next, that of connections and of HTTP/2 sessions, and the text of the Date header. Made by the worker
// and owned by it; one worker; outlives every exchange and connection.
#pragma once

#include <cstddef>

#include "source/http/date.h"
#include "source/http/h2/session_memory.h"
#include "source/proxy/shadow.h"
#include "source/proxy/sized_pool.h"

namespace weir::proxy {

class ExchangePool {
 public:
  // Keeps the memory of at most `keep` exchanges, and of as many codecs, while none is there. So many are for those
  // that are at work; connections come in larger numbers, and less often.
  explicit ExchangePool(size_t keep = 1024)
      : h1_codecs(keep), connections(keep / 4), managers(keep / 4), exchanges_(keep) {}

  void* take(size_t bytes) { return exchanges_.take(bytes); }
  void give(void* memory) { exchanges_.give(memory); }

  // The codecs of clients that speak HTTP/1 and have a request under way.
  SizedPool h1_codecs;
  // Downstream connections that are not parked, and the sessions of those that speak HTTP.
  SizedPool connections;
  SizedPool managers;
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
