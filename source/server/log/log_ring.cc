#include "source/server/log/log_ring.h"

#include <algorithm>
#include <cstring>

#include "source/base/check.h"

namespace weir::server {
namespace {

constexpr size_t kAlign = 8;

size_t padded(size_t size) { return (size + kAlign - 1) / kAlign * kAlign; }

}  // namespace

// The bytes are left as they come: pages are touched only when lines reach them.
LogRing::LogRing(size_t capacity) : capacity_(capacity), bytes_(new char[capacity]) {
  CHECK(capacity >= 64 && (capacity & (capacity - 1)) == 0, "the ring's places are counted modulo a power of two");
}

void LogRing::copyIn(uint64_t at, const char* bytes, size_t size) {
  const size_t place = static_cast<size_t>(at & (capacity_ - 1));
  const size_t first = std::min(size, capacity_ - place);
  std::memcpy(bytes_.get() + place, bytes, first);
  std::memcpy(bytes_.get(), bytes + first, size - first);
}

bool LogRing::push(uint32_t sink, std::string_view line) {
  const uint64_t head = head_.load(std::memory_order_relaxed);
  const size_t free = capacity_ - static_cast<size_t>(head - tail_.load(std::memory_order_acquire));
  const size_t needed = sizeof(Head) + padded(line.size());
  if (needed > free || line.size() > UINT32_MAX) return false;
  const Head record{static_cast<uint32_t>(line.size()), sink};
  copyIn(head, reinterpret_cast<const char*>(&record), sizeof record);
  copyIn(head + sizeof record, line.data(), line.size());
  // Against the load of the writer's state that follows: the writer must see the line, or the worker that it sleeps.
  head_.store(head + needed, std::memory_order_seq_cst);
  return true;
}

uint64_t LogRing::peek(
    absl::FunctionRef<void(uint32_t sink, std::string_view first, std::string_view second)> fn) const {
  const uint64_t head = head_.load(std::memory_order_acquire);
  uint64_t at = tail_.load(std::memory_order_relaxed);
  while (at != head) {
    Head record;
    // Records begin at multiples of 8, so that a head never wraps.
    std::memcpy(&record, bytes_.get() + (at & (capacity_ - 1)), sizeof record);
    const size_t place = static_cast<size_t>((at + sizeof record) & (capacity_ - 1));
    const size_t first = std::min<size_t>(record.size, capacity_ - place);
    fn(record.sink, std::string_view(bytes_.get() + place, first), std::string_view(bytes_.get(), record.size - first));
    at += sizeof record + padded(record.size);
  }
  return at;
}

}  // namespace weir::server
