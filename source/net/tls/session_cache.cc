#include "source/net/tls/session_cache.h"

#include <utility>

namespace weir::net::tls {

void SessionCache::put(std::string_view key, OpensslPtr<SSL_SESSION> session) {
  const std::lock_guard lock(mutex_);
  if (per_host_ == 0) return;
  auto at = by_key_.find(key);
  if (at == by_key_.end()) {
    order_.push_front({std::string(key), {}});
    at = by_key_.emplace(std::string(key), order_.begin()).first;
  } else {
    order_.splice(order_.begin(), order_, at->second);
  }
  Host& host = *at->second;
  host.sessions.push_front(std::move(session));
  if (host.sessions.size() > per_host_) host.sessions.pop_back();
  if (order_.size() <= hosts_) return;
  by_key_.erase(order_.back().key);
  order_.pop_back();
}

OpensslPtr<SSL_SESSION> SessionCache::take(std::string_view key) {
  const std::lock_guard lock(mutex_);
  const auto at = by_key_.find(key);
  if (at == by_key_.end()) return nullptr;
  Host& host = *at->second;
  SSL_SESSION* const newest = host.sessions.front().get();
  SSL_SESSION_up_ref(newest);
  OpensslPtr<SSL_SESSION> session(newest);
  if (SSL_SESSION_get_protocol_version(newest) >= TLS1_3_VERSION || SSL_SESSION_is_resumable(newest) == 0) {
    host.sessions.pop_front();
  }
  if (host.sessions.empty()) {
    order_.erase(at->second);
    by_key_.erase(at);
  }
  return session;
}

size_t SessionCache::hosts() {
  const std::lock_guard lock(mutex_);
  return order_.size();
}

}  // namespace weir::net::tls
