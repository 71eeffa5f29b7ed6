#include "source/upstream/host.h"

namespace weir::upstream {

Host::Host(const HostSpec& spec, uint32_t place, const TransportMatch* match)
    : address(spec.address),
      hostname(spec.hostname),
      text(spec.text.empty() ? spec.address.text() : spec.text),
      slot(place),
      transport_match(match) {}

Host::~Host() {
  HostCounters* block = counters_.load(std::memory_order_acquire);
  while (block != nullptr) {
    const std::unique_ptr<HostCounters> dead(block);
    block = block->next;
  }
}

HostCounters& Host::addCounters() const {
  HostCounters* const block = std::make_unique<HostCounters>().release();  // the list owns it
  block->next = counters_.load(std::memory_order_relaxed);
  while (!counters_.compare_exchange_weak(block->next, block, std::memory_order_release, std::memory_order_relaxed)) {
  }
  return *block;
}

bool Host::takeConnection(uint32_t limit) const {
  uint32_t used = limited_connections_.load(std::memory_order_relaxed);
  do {
    if (used >= limit) return false;
  } while (!limited_connections_.compare_exchange_weak(used, used + 1, std::memory_order_relaxed));
  return true;
}

HostTotals Host::totals() const {
  HostTotals out;
  for (const HostCounters* block = counters_.load(std::memory_order_acquire); block != nullptr; block = block->next) {
    out.cx_active += block->cx_active.value();
    out.cx_connect_fail += block->cx_connect_fail.value();
    out.cx_total += block->cx_total.value();
    out.rq_active += block->rq_active.value();
    out.rq_error += block->rq_error.value();
    out.rq_success += block->rq_success.value();
    out.rq_timeout += block->rq_timeout.value();
    out.rq_total += block->rq_total.value();
    out.latency_us += block->latency_us.value();
  }
  return out;
}

}  // namespace weir::upstream
