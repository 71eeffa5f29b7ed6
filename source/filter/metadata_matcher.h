// MetadataMatcher: a condition on what is noted about a stream or a route. Compiled at load
// (source/extensions/matchers), then immutable and shared by workers. Matching allocates nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "source/base/metadata.h"
#include "source/filter/matchers.h"

namespace weir::filter {

struct ValueMatcher {
  enum class Kind : uint8_t { kNull, kExactNumber, kRange, kString, kBool, kPresent, kListItem, kOr };
  Kind kind = Kind::kPresent;
  bool expected = true;  // kBool: the value; kPresent: false matches nothing
  double number = 0;     // kExactNumber
  double start = 0;      // kRange: start <= value < end
  double end = 0;
  std::optional<StringMatcher> text{};  // kString
  std::vector<ValueMatcher> inner{};    // kListItem: the only one, for any item; kOr

  // Null, where nothing is noted, matches nothing; a value of another kind neither.
  bool matches(const base::Metadata* value) const;
};

struct MetadataMatcher {
  std::vector<std::string> path;  // a namespace, and keys in it
  ValueMatcher value;
  bool invert = false;

  // `whole`: a struct of namespaces, or null.
  bool matches(const base::Metadata* whole) const;
};

}  // namespace weir::filter
