// The text of a field is in one piece. Where the rest of the ring is too short for it, it goes to the front; where that
// has no room either, all is moved together. The text never takes more than the table may hold, and an Entry half of
// what an entry counts beside its text.
#include "source/http/h2/hpack_table.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

#include "source/base/check.h"

namespace weir::http::h2 {
namespace {

constexpr uint32_t kFirstSlots = 8;
constexpr size_t kFirstText = 256;

}  // namespace

void HpackTable::dropOldest() {
  const Entry& oldest = entry(0);
  const uint32_t was = oldest.offset;
  size_ -= static_cast<uint32_t>(oldest.bytes() + kFieldOverhead);
  first_ = (first_ + 1) & (slots_ - 1);
  --count_;
  if (count_ == 0) {
    end_ = 0;
    wrapped_ = false;
  } else if (wrapped_ && entry(0).offset < was) {
    wrapped_ = false;
  }
}

size_t HpackTable::place(size_t bytes) const {
  if (block_ == nullptr || count_ == slots_) return npos;
  if (count_ == 0) return bytes <= text_bytes_ ? 0 : npos;
  const size_t begin = entry(0).offset;
  if (wrapped_) return begin - end_ >= bytes ? end_ : npos;
  if (text_bytes_ - end_ >= bytes) return end_;
  return begin >= bytes ? 0 : npos;
}

void* HpackTable::rebuild(size_t bytes) {
  const size_t needed = textInUse() + bytes;
  const uint32_t slots = count_ < slots_ ? slots_ : std::max(kFirstSlots, slots_ * 2);
  // Grown before it is full, so that moving together stays rare.
  const size_t wanted = std::max({kFirstText, size_t{text_bytes_}, std::bit_ceil(needed + needed / 4)});
  const size_t text_bytes = std::max(needed, std::min<size_t>(wanted, max_size_));
  void* const block = memory_.allocate(slots * sizeof(Entry) + text_bytes);
  CHECK(block != nullptr, "there is memory for a table of fields");
  auto* const entries = static_cast<Entry*>(block);
  char* const text_begin = reinterpret_cast<char*>(entries + slots);
  uint32_t end = 0;
  for (uint32_t i = 0; i < count_; ++i) {
    Entry moved = entry(i);
    std::copy_n(text() + moved.offset, moved.bytes(), text_begin + end);
    moved.offset = end;
    end += static_cast<uint32_t>(moved.bytes());
    new (&entries[i]) Entry(moved);
  }
  void* const old = block_;
  block_ = block;
  slots_ = slots;
  text_bytes_ = static_cast<uint32_t>(text_bytes);
  first_ = 0;
  end_ = end;
  wrapped_ = false;
  return old;
}

bool HpackTable::add(const HpackField& field) {
  const size_t bytes = field.name.size() + field.value.size();
  const bool fits = bytes + kFieldOverhead <= max_size_;
  while (count_ > 0 && (!fits || size_ + bytes + kFieldOverhead > max_size_)) dropOldest();
  if (!fits) return false;
  void* old = nullptr;
  size_t at = place(bytes);
  if (at == npos) {
    old = rebuild(bytes);
    at = end_;
  }
  if (at < end_) wrapped_ = true;
  // The name may stand in the text that this is written over.
  if (!field.name.empty()) std::memmove(text() + at, field.name.data(), field.name.size());
  std::copy(field.value.begin(), field.value.end(), text() + at + field.name.size());
  memory_.release(old);
  new (&entry(count_)) Entry{static_cast<uint32_t>(at),
                             static_cast<uint32_t>(field.name.size()),
                             static_cast<uint32_t>(field.value.size()),
                             field.id,
                             field.pseudo,
                             field.good_name,
                             field.good_value};
  ++count_;
  end_ = static_cast<uint32_t>(at + bytes);
  size_ += static_cast<uint32_t>(bytes + kFieldOverhead);
  return true;
}

HpackField HpackTable::at(size_t age) const {
  const Entry& e = entry(count_ - 1 - age);
  const char* const begin = text() + e.offset;
  HpackField field;
  field.id = e.id;
  field.pseudo = e.pseudo;
  field.fixed_name = e.id != HeaderId::kOther;
  field.name = field.fixed_name ? headerName(e.id) : std::string_view(begin, e.name_size);
  field.value = std::string_view(begin + e.name_size, e.value_size);
  field.good_name = e.good_name;
  field.good_value = e.good_value;
  return field;
}

void HpackTable::setMaxSize(uint32_t max_size) {
  max_size_ = max_size;
  while (size_ > max_size_) dropOldest();
  if (count_ > 0 || block_ == nullptr) return;
  memory_.release(block_);
  block_ = nullptr;
  slots_ = text_bytes_ = first_ = 0;
}

}  // namespace weir::http::h2
