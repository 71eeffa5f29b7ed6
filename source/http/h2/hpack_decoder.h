// HpackDecoder: the receiving side of HPACK on one connection (RFC 7541). Owned by the codec. Is given the encoded
// section in pieces, of which it takes whole representations only, and hands out one field at a time. Everything that
// is wrong ends the connection (COMPRESSION_ERROR), because the table is not the peer's any more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "source/http/h2/hpack_field.h"
#include "source/http/h2/hpack_table.h"
#include "source/http/h2/session_memory.h"

namespace weir::http::h2 {

// A place for text that is decoded: reserve() gives room behind what was kept, and keep() holds on to a part of it.
// Its memory is of the worker's sessions; it owns none before the first reserve(), unless it was given some.
class HpackText {
 public:
  explicit HpackText(SessionMemory& memory, char* begin = nullptr, size_t bytes = 0)
      : memory_(memory), begin_(begin), bytes_(bytes) {}
  ~HpackText() {
    if (owned_) memory_.release(begin_);
  }
  HpackText(const HpackText&) = delete;
  HpackText& operator=(const HpackText&) = delete;

  // Room for `bytes`. What was kept may have moved.
  char* reserve(size_t bytes);
  // Keeps `text`, which is copied unless it stands in the room that reserve() gave; returns its offset. What else
  // stands in that room behind it may be written over, unless it is kept before.
  size_t keep(std::string_view text);
  bool has(std::string_view text) const { return text.data() >= begin_ && text.data() < begin_ + bytes_; }
  std::string_view kept() const { return {begin_, size_}; }

 private:
  SessionMemory& memory_;
  char* begin_;
  size_t bytes_;
  size_t size_ = 0;
  bool owned_ = false;
};

class HpackDecoder {
 public:
  enum class Step : uint8_t { kField, kMore, kError };

  // `max_size`: SETTINGS_HEADER_TABLE_SIZE as it is announced to the peer. `copy_bytes`: how much the fields of one
  // section may make the table copy within itself.
  HpackDecoder(SessionMemory& memory, uint32_t max_size, size_t copy_bytes);

  // Before each section.
  void begin();
  // Takes a representation off the front of `bytes`; kMore: there is no whole one. The field's text stands in `bytes`,
  // in the room of `text` or in the table, and is valid until the next call or text.reserve().
  Step next(std::string_view& bytes, HpackText& text, HpackField& field);
  // The peer has acknowledged the announced size.
  void onAcknowledged();

  const HpackTable& table() const { return table_; }

 private:
  enum class Read : uint8_t { kDone, kMore, kError };
  struct Coded {
    std::string_view bytes;
    bool huffman = false;

    size_t most() const;
  };

  static Read readNumber(std::string_view& bytes, unsigned prefix, uint32_t& number);
  static Read readString(std::string_view& bytes, Coded& string);
  static bool decode(const Coded& string, char*& room, std::string_view& out);
  bool lookUp(uint32_t index, HpackField& field) const;
  Step resize(std::string_view& bytes);
  Step indexed(std::string_view& bytes, HpackField& field);
  Step literal(std::string_view& bytes, HpackText& text, HpackField& field);
  bool insert(HpackField& field);

  HpackTable table_;
  uint32_t announced_;
  uint32_t limit_;
  size_t copy_bytes_;
  size_t copied_ = 0;  // in this section
  bool may_resize_ = false;
  bool must_resize_ = false;
};

}  // namespace weir::http::h2
