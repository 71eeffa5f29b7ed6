#include "source/base/metadata.h"

#include <algorithm>

namespace weir::base {
namespace {

bool isBefore(const std::pair<std::string, Metadata>& field, std::string_view name) { return field.first < name; }

}  // namespace

Metadata Metadata::boolean(bool value) {
  Metadata made;
  made.kind_ = Kind::kBool;
  made.number_ = value ? 1 : 0;
  return made;
}

Metadata Metadata::number(double value) {
  Metadata made;
  made.kind_ = Kind::kNumber;
  made.number_ = value;
  return made;
}

Metadata Metadata::list(std::vector<Metadata> items) {
  Metadata made;
  made.kind_ = Kind::kList;
  made.items_ = std::move(items);
  return made;
}

Metadata Metadata::structure() {
  Metadata made;
  made.kind_ = Kind::kStruct;
  return made;
}

const Metadata* Metadata::find(std::string_view name) const {
  const auto at = std::lower_bound(fields_.begin(), fields_.end(), name, isBefore);
  return at == fields_.end() || at->first != name ? nullptr : &at->second;
}

const Metadata* Metadata::findPath(std::string_view path) const {
  const Metadata* at = this;
  while (at != nullptr) {
    const size_t colon = path.find(':');
    at = at->find(path.substr(0, colon));
    if (colon == std::string_view::npos) break;
    path.remove_prefix(colon + 1);
  }
  return at;
}

Metadata& Metadata::field(std::string_view name) {
  if (kind_ != Kind::kStruct) *this = structure();
  const auto at = std::lower_bound(fields_.begin(), fields_.end(), name, isBefore);
  if (at != fields_.end() && at->first == name) return at->second;
  return fields_.emplace(at, std::string(name), Metadata())->second;
}

void Metadata::merge(const Metadata& other) {
  if (kind_ == Kind::kStruct && other.kind_ == Kind::kStruct) {
    for (const auto& [name, value] : other.fields_) field(name).merge(value);
  } else if (kind_ == Kind::kList && other.kind_ == Kind::kList) {
    items_.insert(items_.end(), other.items_.begin(), other.items_.end());
  } else {
    *this = other;
  }
}

}  // namespace weir::base
