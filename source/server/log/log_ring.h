// LogRing: a queue of log lines from one thread to one other, without locks (law 16). Made by the LogWriter, one per
// worker; the worker pushes, the writer thread peeks and releases. A line that does not fit is refused, never waited
// for.
//
//   record: size (4 bytes), sink (4 bytes), the line, padded to 8 bytes; a record may wrap around the end
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "absl/functional/function_ref.h"

namespace weir::server {

class LogRing {
 public:
  // A power of two, at least 64.
  explicit LogRing(size_t capacity);

  // Producer. False when there is no room.
  bool push(uint32_t sink, std::string_view line);
  // Producer. Bytes that wait, records' heads included.
  size_t queued() const {
    return static_cast<size_t>(head_.load(std::memory_order_relaxed) - tail_.load(std::memory_order_relaxed));
  }

  // Consumer. Calls fn(sink, first, second) for each record, oldest first; the line is the two pieces joined, which
  // stay valid until release(). Returns the mark to release up to.
  uint64_t peek(absl::FunctionRef<void(uint32_t sink, std::string_view first, std::string_view second)> fn) const;
  void release(uint64_t mark) { tail_.store(mark, std::memory_order_release); }
  // Consumer. With the order that sleeping needs: see LogWriter.
  bool empty() const { return head_.load(std::memory_order_seq_cst) == tail_.load(std::memory_order_relaxed); }

  size_t capacity() const { return capacity_; }

 private:
  struct Head {
    uint32_t size;
    uint32_t sink;
  };
  void copyIn(uint64_t at, const char* bytes, size_t size);

  const size_t capacity_;
  const std::unique_ptr<char[]> bytes_;
  // Counted from the start of time; the place is the count modulo the capacity. Each on a line of its own.
  alignas(64) std::atomic<uint64_t> head_{0};
  alignas(64) std::atomic<uint64_t> tail_{0};
};

}  // namespace weir::server
