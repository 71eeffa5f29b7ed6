// HpackEncoder: the sending side of HPACK on one connection (RFC 7541). Owned by the codec. Writes a section field by
// field into memory of the caller, which must go out before the next section does: the table is the peer's then.
//
// A field enters the table when it is sent for the second time, so that values which never come again do not push out
// those that do. Credentials never do (7.1.3).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "source/http/h2/hpack_field.h"
#include "source/http/h2/hpack_table.h"
#include "source/http/h2/session_memory.h"

namespace weir::http::h2 {

class HpackEncoder {
 public:
  // `own_most`: the largest table that is used, whatever the peer allows.
  HpackEncoder(SessionMemory& memory, uint32_t own_most);
  ~HpackEncoder() { memory_.release(seen_); }

  // The peer's SETTINGS_HEADER_TABLE_SIZE; said in the next section.
  void setPeerLimit(uint32_t bytes);

  // Bytes that begin() writes at most, and one field.
  static constexpr size_t kBeginBytes = 12;
  static constexpr size_t most(size_t name, size_t value) { return name + value + 11; }

  // Each writes at `out` and returns the end of what it wrote.
  char* begin(char* out);
  // `value` stands for the name of `pseudo`, which is not kNone or kUnknown.
  char* add(char* out, Pseudo pseudo, std::string_view value);
  // `name` is that of `id`, or any when that is kOther.
  char* add(char* out, HeaderId id, std::string_view name, std::string_view value);

  const HpackTable& table() const { return table_; }

 private:
  // What was sent before: a part of its hash, and which of all added fields it is, if it was added.
  struct Trace {
    uint16_t print;
    uint16_t serial;
  };
  static constexpr size_t kSets = 64;
  static constexpr size_t kWays = 2;
  using Traces = std::array<std::array<Trace, kWays>, kSets>;
  enum class Action : uint8_t { kIndex, kAdd, kPlain };
  struct Verdict {
    Action action;
    size_t age = 0;
  };

  // Whether the field is in the table, or has been sent before.
  Verdict judge(const HpackField& field);
  char* addField(char* out, const HpackField& field, size_t name_index);
  char* literal(char* out, uint8_t first, unsigned prefix, const HpackField& field, size_t name_index);
  void insert(const HpackField& field);
  size_t nameIndex(const HpackField& field) const;
  bool alive(uint16_t serial, size_t& age) const;

  SessionMemory& memory_;
  HpackTable table_;
  Traces* seen_ = nullptr;
  Trace* judged_ = nullptr;
  uint32_t own_most_;
  uint32_t least_;  // that was asked for since the last section
  bool resized_ = false;
  uint16_t serial_ = 0;  // of the newest field of the table
  // Of the newest field under each known name that the static table does not have.
  struct NameTrace {
    HeaderId id = HeaderId::kOther;
    uint16_t serial = 0;
  };
  std::array<NameTrace, 8> names_{};
  uint8_t next_name_ = 0;
};

}  // namespace weir::http::h2
