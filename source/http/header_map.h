// HeaderMap: the fields of one head or one trailer section, in order, as one flat array in the arena of the exchange
// (law 13). Names are lower case. A known name is a small integer and its presence one bit, so that asking for a
// header that is not there costs one test. Views point into the arena or at static text; they live as long as the
// arena. Setters copy unless they say otherwise.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "source/base/arena.h"
#include "source/http/header_id.h"

namespace weir::http {

struct Field {
  std::string_view name;  // lower case
  std::string_view value;
  HeaderId id = HeaderId::kOther;
  bool parsed = false;  // stands as a parser found it valid, and need not be looked at again where it is written
};

class HeaderMap {
 public:
  // The arena must outlive the map.
  explicit HeaderMap(base::Arena& arena) : arena_(&arena) {}

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const Field* begin() const { return fields_; }
  const Field* end() const { return fields_ + size_; }
  base::Arena& arena() const { return *arena_; }

  bool has(HeaderId id) const { return (present_ >> static_cast<unsigned>(id)) & 1; }  // id must not be kOther
  // The first value under that name.
  std::optional<std::string_view> get(HeaderId id) const;
  std::optional<std::string_view> get(std::string_view lower_name) const;
  size_t count(std::string_view lower_name) const;
  // All values under that name joined by "," (", " for none but cookie, which is joined by "; "); arena text.
  std::optional<std::string_view> joined(std::string_view lower_name) const;

  // Appends. `name` in any case; both are copied.
  void add(std::string_view name, std::string_view value);
  void add(HeaderId id, std::string_view value);
  // Appends without copying: both views must live as long as the arena, and the name be lower case.
  void addView(HeaderId id, std::string_view lower_name, std::string_view value);
  // The same for what a parser has just found valid: the name is made of kLowerTokenBytes, the value of kValueBytes
  // (see scan.h).
  void addParsed(HeaderId id, std::string_view lower_name, std::string_view value) {
    push({lower_name, value, id, true});
  }
  // Replaces the first and removes the others of that name, or appends.
  void set(std::string_view name, std::string_view value);
  void set(HeaderId id, std::string_view value);
  // Removes all of that name; returns how many. Order of the rest is kept.
  size_t remove(std::string_view name);
  size_t remove(HeaderId id);
  // Removes every field for which drop(field) is true; returns how many.
  template <typename Fn>
  size_t removeIf(Fn&& drop) {
    size_t kept = 0;
    present_ = 0;
    for (size_t i = 0; i < size_; ++i) {
      if (drop(static_cast<const Field&>(fields_[i]))) continue;
      note(fields_[i].id);
      if (kept != i) fields_[kept] = fields_[i];
      ++kept;
    }
    const size_t removed = size_ - kept;
    size_ = kept;
    return removed;
  }
  // Sum of the lengths of names and values.
  size_t bytes() const;

 private:
  void note(HeaderId id) { present_ |= uint64_t{1} << static_cast<unsigned>(id); }
  void push(const Field& field);

  base::Arena* arena_;
  Field* fields_ = nullptr;
  uint32_t size_ = 0;
  uint32_t capacity_ = 0;
  uint64_t present_ = 0;
};

}  // namespace weir::http
