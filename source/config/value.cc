#include "source/config/value.h"

namespace weir::config {
namespace {

constexpr size_t kLongestShown = 60;

std::string shown(std::string_view text) {
  if (text.size() <= kLongestShown) return std::string(text);
  size_t end = kLongestShown;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // never inside a UTF-8 character
  return std::string(text.substr(0, end)) + "...";
}

}  // namespace

const Entry* Value::find(std::string_view key) const {
  for (const Entry& entry : entries) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

std::string Value::describe() const {
  switch (kind) {
    case Kind::kNull:
      return "null";
    case Kind::kBool:
      return "the boolean " + text;
    case Kind::kInteger:
    case Kind::kFloat:
      return "the number " + text;
    case Kind::kString:
      return "the string \"" + shown(text) + "\"";
    case Kind::kList:
      return "a list";
    case Kind::kMap:
      return "a map";
  }
  return "";
}

size_t Value::nodes() const {
  size_t sum = 1;
  for (const Value& item : items) sum += item.nodes();
  for (const Entry& entry : entries) sum += entry.value.nodes();
  return sum;
}

}  // namespace weir::config
