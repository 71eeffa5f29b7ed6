// HpackTable: the dynamic table of one direction of a connection (RFC 7541 section 2.3.2 and 4), as the decoder and the
// encoder both keep one. One block of memory, taken when the first field is added and grown up to what the table may
// hold; in it the entries stand as a ring and their text as another. An empty table owns nothing. One worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "source/http/h2/hpack_field.h"
#include "source/http/h2/session_memory.h"

namespace weir::http::h2 {

class HpackTable {
 public:
  // The memory outlives the table.
  HpackTable(SessionMemory& memory, uint32_t max_size) : memory_(memory), max_size_(max_size) {}
  ~HpackTable() { memory_.release(block_); }
  HpackTable(const HpackTable&) = delete;
  HpackTable& operator=(const HpackTable&) = delete;

  // Makes room by dropping the oldest, and adds. Returns false when the field is larger than the table, which is empty
  // then (RFC 7541 4.4). `name` may be a part of this table, `value` not; text of the table that was handed out before
  // is not valid afterwards.
  bool add(const HpackField& field);
  // The field that was added `age` fields before the newest; age < count(). Valid until the next add() or setMaxSize().
  HpackField at(size_t age) const;
  size_t count() const { return count_; }
  size_t size() const { return size_; }
  uint32_t maxSize() const { return max_size_; }
  void setMaxSize(uint32_t max_size);
  // Bytes of memory that are held.
  size_t held() const { return block_ == nullptr ? 0 : slots_ * sizeof(Entry) + text_bytes_; }

 private:
  struct Entry {
    uint32_t offset;
    uint32_t name_size;
    uint32_t value_size;
    HeaderId id;
    Pseudo pseudo;
    bool good_name;
    bool good_value;

    size_t bytes() const { return size_t{name_size} + value_size; }
  };

  Entry* entries() const { return static_cast<Entry*>(block_); }
  Entry& entry(size_t from_oldest) const { return entries()[(first_ + from_oldest) & (slots_ - 1)]; }
  char* text() const { return reinterpret_cast<char*>(entries() + slots_); }
  void dropOldest();
  // Where `bytes` fit, or npos.
  size_t place(size_t bytes) const;
  // Moves all entries, in order, into a block that has room for one more of `bytes`; returns the old block.
  void* rebuild(size_t bytes);
  size_t textInUse() const { return size_ - count_ * kFieldOverhead; }

  static constexpr size_t npos = static_cast<size_t>(-1);

  SessionMemory& memory_;
  void* block_ = nullptr;
  uint32_t max_size_;
  uint32_t size_ = 0;
  uint32_t slots_ = 0;  // a power of two
  uint32_t text_bytes_ = 0;
  uint32_t first_ = 0;  // slot of the oldest
  uint32_t count_ = 0;
  uint32_t end_ = 0;  // of the newest text
  bool wrapped_ = false;
};

}  // namespace weir::http::h2
