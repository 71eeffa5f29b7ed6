#include "source/filter/matchers.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "re2/re2.h"
#include "source/base/strings.h"

namespace weir::filter {
namespace {

using base::av;

bool equal(std::string_view a, std::string_view b, bool ignore_case) {
  return ignore_case ? absl::EqualsIgnoreCase(av(a), av(b)) : a == b;
}

bool contains(std::string_view text, std::string_view part, bool ignore_case) {
  if (!ignore_case) return text.find(part) != std::string_view::npos;
  const auto same = [](char a, char b) { return absl::ascii_tolower(a) == absl::ascii_tolower(b); };
  return std::search(text.begin(), text.end(), part.begin(), part.end(), same) != text.end();
}

bool inRange(std::string_view text, HeaderMatcher::Range range) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number >= range.start && number < range.end;
}

}  // namespace

StringMatcher::StringMatcher(Kind kind, std::string_view text, bool ignore_case)
    : kind_(kind), ignore_case_(ignore_case), text_(text) {}

absl::StatusOr<StringMatcher> StringMatcher::regex(std::string_view expression) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  auto regex = std::make_shared<const re2::RE2>(re2::StringPiece(expression.data(), expression.size()), options);
  if (!regex->ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("not a valid RE2 expression: ", regex->error(), "; seen \"", av(expression), "\""));
  }
  return StringMatcher(std::move(regex));
}

std::string_view StringMatcher::expression() const {
  return regex_ == nullptr ? std::string_view(text_) : std::string_view(regex_->pattern());
}

bool StringMatcher::matches(std::string_view text) const {
  if (regex_ != nullptr) return re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), *regex_);
  if (text.size() < text_.size()) return false;
  switch (kind_) {
    case Kind::kExact:
      return equal(text, text_, ignore_case_);
    case Kind::kPrefix:
      return equal(text.substr(0, text_.size()), text_, ignore_case_);
    case Kind::kSuffix:
      return equal(text.substr(text.size() - text_.size()), text_, ignore_case_);
    case Kind::kContains:
      return contains(text, text_, ignore_case_);
  }
  return false;
}

bool HeaderMatcher::matches(const http::Head& head) const {
  const std::optional<std::string_view> seen = head.value(name);
  const bool there = seen.has_value() || treat_missing_as_empty;
  switch (kind) {
    case Kind::kPresent:
      return there != invert;
    case Kind::kAbsent:
      return there == invert;
    case Kind::kRange:
      return there && inRange(seen.value_or(""), range) != invert;
    case Kind::kString:
      return there && value->matches(seen.value_or("")) != invert;
  }
  return false;
}

bool matchesAll(const std::vector<HeaderMatcher>& matchers, const http::Head& head) {
  return std::all_of(matchers.begin(), matchers.end(),
                     [&head](const HeaderMatcher& matcher) { return matcher.matches(head); });
}

}  // namespace weir::filter
