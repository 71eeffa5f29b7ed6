#include "source/upstream/demand.h"

#include <charconv>

#include "source/net/ip_text.h"

namespace weir::upstream {

// As Address::text() does, in place.
std::string_view DemandConfig::keyOf(const net::Address& address, KeyText& out) const {
  const uint16_t port = port_override != 0 ? port_override : address.port();
  if (kind != Kind::kAddresses || !address.isIp() || address.isWildcard() || port == 0) return {};
  const bool six = address.family() == net::Address::Family::kIpv6;
  char* at = out.data();
  if (six) *at++ = '[';
  const net::IpText ip(address.ipBytes());
  at += ip.view().copy(at, out.size());
  if (six) *at++ = ']';
  *at++ = ':';
  at = std::to_chars(at, out.data() + out.size(), port).ptr;
  return {out.data(), static_cast<size_t>(at - out.data())};
}

void Demand::ask(std::string key, event::Dispatcher& worker, std::function<void(http::Reason)> done) const {
  if (main_ == nullptr) return;
  main_->post([this, key = std::move(key), &worker, done = std::move(done)] {
    if (source_ == nullptr) return;
    source_->want(key, [&worker, done](http::Reason reason) { worker.post([done, reason] { done(reason); }); });
  });
}

bool Demand::enter() const {
  uint32_t waiting = waiting_.load(std::memory_order_relaxed);
  do {
    if (waiting >= config_.max_pending) return false;
  } while (!waiting_.compare_exchange_weak(waiting, waiting + 1, std::memory_order_relaxed));
  return true;
}

}  // namespace weir::upstream
