#include "source/http/header_map.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace weir::http {
namespace {

constexpr uint32_t kFirstCapacity = 24;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

bool equalsLower(std::string_view lower_name, std::string_view name) {
  return lower_name.size() == name.size() &&
         std::equal(name.begin(), name.end(), lower_name.begin(), [](char a, char b) { return lower(a) == b; });
}

// The id of a name in any case. Known names are short, so a longer one is not known. Most names are lower case.
HeaderId idOfAnyCase(std::string_view name) {
  char text[64];
  if (name.size() > sizeof(text)) return HeaderId::kOther;
  if (const HeaderId id = headerId(name); id != HeaderId::kOther) return id;
  if (std::none_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; })) return HeaderId::kOther;
  std::transform(name.begin(), name.end(), text, lower);
  return headerId(std::string_view(text, name.size()));
}

}  // namespace

std::optional<std::string_view> HeaderMap::get(HeaderId id) const {
  if (!has(id)) return std::nullopt;
  for (const Field& field : *this) {
    if (field.id == id) return field.value;
  }
  return std::nullopt;
}

std::optional<std::string_view> HeaderMap::get(std::string_view lower_name) const {
  const HeaderId id = headerId(lower_name);
  if (id != HeaderId::kOther) return get(id);
  for (const Field& field : *this) {
    if (field.id == HeaderId::kOther && field.name == lower_name) return field.value;
  }
  return std::nullopt;
}

size_t HeaderMap::count(std::string_view lower_name) const {
  return std::count_if(begin(), end(), [lower_name](const Field& field) { return field.name == lower_name; });
}

std::optional<std::string_view> HeaderMap::joined(std::string_view lower_name) const {
  const std::string_view separator = lower_name == "cookie" ? "; " : ",";
  size_t matches = 0;
  size_t bytes = 0;
  std::string_view only;
  for (const Field& field : *this) {
    if (field.name != lower_name) continue;
    ++matches;
    bytes += field.value.size();
    only = field.value;
  }
  if (matches == 0) return std::nullopt;
  if (matches == 1) return only;
  bytes += (matches - 1) * separator.size();
  char* const text = arena_->allocateChars(bytes);
  char* at = text;
  bool first = true;
  for (const Field& field : *this) {
    if (field.name != lower_name) continue;
    if (!std::exchange(first, false)) at = std::copy(separator.begin(), separator.end(), at);
    at = std::copy(field.value.begin(), field.value.end(), at);
  }
  return std::string_view(text, at - text);
}

void HeaderMap::add(std::string_view name, std::string_view value) {
  const HeaderId id = idOfAnyCase(name);
  const std::string_view lower_name = id == HeaderId::kOther ? arena_->copyLower(name) : headerName(id);
  push({lower_name, arena_->copy(value), id});
}

void HeaderMap::add(HeaderId id, std::string_view value) { push({headerName(id), arena_->copy(value), id}); }

void HeaderMap::addView(HeaderId id, std::string_view lower_name, std::string_view value) {
  push({lower_name, value, id});
}

void HeaderMap::set(std::string_view name, std::string_view value) {
  const HeaderId id = idOfAnyCase(name);
  if (id != HeaderId::kOther) return set(id, value);
  Field* first = nullptr;
  for (size_t i = 0; i < size_ && first == nullptr; ++i) {
    if (fields_[i].id == id && equalsLower(fields_[i].name, name)) first = &fields_[i];
  }
  if (first == nullptr) return push({arena_->copyLower(name), arena_->copy(value), id});
  first->value = arena_->copy(value);
  first->parsed = false;
  bool seen = false;
  removeIf([&](const Field& field) {
    if (field.id != HeaderId::kOther || !equalsLower(field.name, name)) return false;
    return std::exchange(seen, true);
  });
}

void HeaderMap::set(HeaderId id, std::string_view value) {
  if (!has(id)) return add(id, value);
  Field* first = fields_;
  while (first->id != id) ++first;
  first->value = arena_->copy(value);
  first->parsed = false;
  bool seen = false;
  removeIf([&](const Field& field) { return field.id == id && std::exchange(seen, true); });
}

size_t HeaderMap::remove(std::string_view name) {
  const HeaderId id = idOfAnyCase(name);
  if (id != HeaderId::kOther) return remove(id);
  return removeIf([name](const Field& field) { return field.id == HeaderId::kOther && equalsLower(field.name, name); });
}

size_t HeaderMap::remove(HeaderId id) {
  if (!has(id)) return 0;
  return removeIf([id](const Field& field) { return field.id == id; });
}

size_t HeaderMap::bytes() const {
  size_t sum = 0;
  for (const Field& field : *this) sum += field.name.size() + field.value.size();
  return sum;
}

void HeaderMap::push(const Field& field) {
  if (size_ == capacity_) {
    const uint32_t capacity = capacity_ == 0 ? kFirstCapacity : capacity_ * 2;
    auto* const fields = static_cast<Field*>(arena_->allocate(capacity * sizeof(Field), alignof(Field)));
    std::uninitialized_copy(fields_, fields_ + size_, fields);
    fields_ = fields;
    capacity_ = capacity;
  }
  note(field.id);
  new (&fields_[size_++]) Field(field);
}

}  // namespace weir::http
