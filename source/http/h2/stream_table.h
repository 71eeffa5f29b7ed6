// StreamTable: the streams of one connection that are open on the wire, by their number. Links through the streams
// themselves; small connections need no memory beside it. Owned by the connection's Wire.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "source/http/h2/session_memory.h"

namespace weir::http::h2 {

class H2Stream;

class StreamTable {
 public:
  explicit StreamTable(SessionMemory& memory) : memory_(memory) {}
  ~StreamTable();
  StreamTable(const StreamTable&) = delete;
  StreamTable& operator=(const StreamTable&) = delete;

  void insert(H2Stream& stream);
  // It is in the table.
  void erase(H2Stream& stream);
  // Null when there is none.
  H2Stream* find(uint32_t id) const;
  size_t size() const { return size_; }

 private:
  static constexpr uint32_t kFirst = 8;

  // Numbers go up by two.
  H2Stream*& bucket(uint32_t id) const { return buckets_[(id >> 1) & (count_ - 1)]; }
  void grow();

  SessionMemory& memory_;
  uint32_t size_ = 0;
  uint32_t count_ = kFirst;  // buckets, a power of two
  mutable std::array<H2Stream*, kFirst> own_{};
  H2Stream** buckets_ = own_.data();
};

// Streams in the order in which they are to be served; each is on one list at most.
class StreamQueue {
 public:
  bool empty() const { return first_ == nullptr; }
  H2Stream* first() const { return first_; }
  void pushBack(H2Stream& stream);
  void remove(H2Stream& stream);

 private:
  H2Stream* first_ = nullptr;
  H2Stream* last_ = nullptr;
};

}  // namespace weir::http::h2
