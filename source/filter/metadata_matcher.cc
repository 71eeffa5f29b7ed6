#include "source/filter/metadata_matcher.h"

#include <algorithm>

namespace weir::filter {

using base::Metadata;

bool ValueMatcher::matches(const Metadata* value) const {
  if (value == nullptr) return false;
  const auto is = [value](Metadata::Kind wanted) { return value->kind() == wanted; };
  switch (kind) {
    case Kind::kNull:
      return is(Metadata::Kind::kNull);
    case Kind::kExactNumber:
      return is(Metadata::Kind::kNumber) && value->number() == number;
    case Kind::kRange:
      return is(Metadata::Kind::kNumber) && value->number() >= start && value->number() < end;
    case Kind::kString:
      return is(Metadata::Kind::kString) && text->matches(value->text());
    case Kind::kBool:
      return is(Metadata::Kind::kBool) && value->boolean() == expected;
    case Kind::kPresent:
      return expected;
    case Kind::kListItem:
      return std::any_of(value->items().begin(), value->items().end(),
                         [this](const Metadata& item) { return inner.front().matches(&item); });
    case Kind::kOr:
      return std::any_of(inner.begin(), inner.end(), [value](const ValueMatcher& one) { return one.matches(value); });
  }
  return false;
}

bool MetadataMatcher::matches(const Metadata* whole) const {
  const Metadata* at = whole;
  for (size_t i = 0; i < path.size() && at != nullptr; ++i) at = at->find(path[i]);
  return value.matches(at) != invert;
}

}  // namespace weir::filter
