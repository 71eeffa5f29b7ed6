// StringMatcher, HeaderMatcher: one condition on a text or on a header, as routes and filters are given it. Plain
// values compiled from configuration on the main thread (source/extensions/matchers), then immutable and shared by
// workers. Matching allocates nothing but, for a header that is repeated, its joined value in the arena of the head.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "source/http/head.h"

namespace re2 {
class RE2;
}

namespace weir::filter {

class StringMatcher {
 public:
  enum class Kind : uint8_t { kExact, kPrefix, kSuffix, kContains };

  // `ignore_case` compares ASCII letters without regard to case.
  StringMatcher(Kind kind, std::string_view text, bool ignore_case);
  // An RE2 expression that must match the whole text. The error says what is wrong with the expression.
  static absl::StatusOr<StringMatcher> regex(std::string_view expression);

  bool matches(std::string_view text) const;
  // The text or expression that it was made of.
  std::string_view expression() const;

 private:
  explicit StringMatcher(std::shared_ptr<const re2::RE2> regex) : regex_(std::move(regex)) {}

  Kind kind_ = Kind::kExact;
  bool ignore_case_ = false;
  std::string text_;
  std::shared_ptr<const re2::RE2> regex_;  // instead of the text
};

struct HeaderMatcher {
  enum class Kind : uint8_t { kPresent, kAbsent, kRange, kString };
  // start <= value < end, of a header that is a decimal number and nothing else.
  struct Range {
    int64_t start = 0;
    int64_t end = 0;
  };

  std::string name;  // lower case; pseudo-headers (":path") as Head::value() knows them
  Kind kind = Kind::kPresent;
  Range range;                         // of kRange
  std::optional<StringMatcher> value;  // of kString; values of a repeated header are joined by ","
  bool invert = false;
  // A header that is not there counts as an empty one; else it fails kRange and kString, inverted or not.
  bool treat_missing_as_empty = false;

  bool matches(const http::Head& head) const;
};

// Whether all of them match; true for none.
bool matchesAll(const std::vector<HeaderMatcher>& matchers, const http::Head& head);

}  // namespace weir::filter
