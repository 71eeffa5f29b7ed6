// Rule: what the (weir.rule) option of a field demands of its value, compiled from the option's text once and checked
// often. The language is that of the xDS API's own validation rules, as far as the messages of api/ use it; a rule that
// is not understood is an error of parseRule, which a test calls for every field there is. Immutable once parsed.
//
//   rules := group*            group := KIND "{" item* "}"
//   item  := NAME ":" scalar | NAME "{" item* "}"         KIND is string, uint32, enum, repeated, message, ...
#pragma once

#include <re2/re2.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace weir::config {

// Bounds on a number; durations are compared in seconds.
struct Bounds {
  std::optional<long double> gt, gte, lt, lte;

  bool holds(long double number) const;
  // "at least 1", "from 1 to 8192", "greater than 0", each bound followed by `unit`; empty without bounds.
  std::string words(std::string_view unit) const;
};

struct Rule {
  enum class HeaderText { kAny, kName, kValue };

  bool required = false;      // message, duration: must be set
  bool ignore_empty = false;  // an empty value keeps the rule
  // string; lengths in characters or bytes
  std::optional<size_t> min_len, max_len, min_bytes, max_bytes;
  std::unique_ptr<RE2> pattern;
  std::vector<std::string> in;
  HeaderText header = HeaderText::kAny;
  bool strict = true;
  // numbers and durations
  Bounds bounds;
  // enum
  bool defined_only = false;
  std::vector<int64_t> not_in;
  // bool
  std::optional<bool> constant;
  // repeated; map: min_pairs is min_items
  std::optional<size_t> min_items, max_items;
  bool unique = false;  // of strings
  std::unique_ptr<Rule> items;
};

absl::StatusOr<Rule> parseRule(std::string_view text);

// What is wrong with the value, as "saw x; must be y"; empty when the rule holds.
std::string brokenBy(const Rule& rule, std::string_view text);
std::string brokenBy(const Rule& rule, long double number, std::string_view unit);

}  // namespace weir::config
