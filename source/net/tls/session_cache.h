// SessionCache: the sessions that a client context may resume, by host. Shared by all workers of the context, under a
// lock that is taken once or twice per connection that is opened. Bounded: the least recently filled host goes first.
#pragma once

#include <cstddef>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "source/net/tls/openssl_ptr.h"

namespace weir::net::tls {

class SessionCache {
 public:
  explicit SessionCache(size_t per_host, size_t hosts = 1024) : per_host_(per_host), hosts_(hosts) {}

  void put(std::string_view key, OpensslPtr<SSL_SESSION> session);
  // The newest of `key`, or null. Those of TLS 1.3 are given once only (RFC 8446 section C.4).
  OpensslPtr<SSL_SESSION> take(std::string_view key);
  size_t hosts();

 private:
  struct Host {
    std::string key;
    std::list<OpensslPtr<SSL_SESSION>> sessions;  // newest first
  };

  std::mutex mutex_;  // guards all below
  const size_t per_host_;
  const size_t hosts_;
  std::list<Host> order_;  // the one filled last is first
  std::map<std::string, std::list<Host>::iterator, std::less<>> by_key_;
};

}  // namespace weir::net::tls
