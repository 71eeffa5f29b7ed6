#include "source/extensions/matchers/compile_metadata_matcher.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "envoy/type/matcher/v3/metadata.pb.h"
#include "envoy/type/v3/range.pb.h"
#include "source/extensions/matchers/compile_matchers.h"

namespace weir::extensions {
namespace {

using ValueForm = envoy::type::matcher::v3::ValueMatcher;
using DoubleForm = envoy::type::matcher::v3::DoubleMatcher;
using Kind = filter::ValueMatcher::Kind;

std::optional<filter::ValueMatcher> compileNumber(const DoubleForm& message, base::Diagnostics& diagnostics,
                                                  const base::FieldPath& path) {
  filter::ValueMatcher matcher;
  if (message.match_pattern_case() == DoubleForm::kExact) {
    matcher.kind = Kind::kExactNumber;
    matcher.number = message.exact();
    return matcher;
  }
  if (message.match_pattern_case() != DoubleForm::kRange) {
    diagnostics.error(path, "no pattern; one of range, exact is needed");
    return std::nullopt;
  }
  matcher.kind = Kind::kRange;
  matcher.start = message.range().start();
  matcher.end = message.range().end();
  if (matcher.start < matcher.end) return matcher;
  diagnostics.error(path.at("range"), absl::StrCat("from ", matcher.start, " to before ", matcher.end,
                                                   ", which no number is; allowed: start < end"));
  return std::nullopt;
}

std::optional<filter::ValueMatcher> compileString(const envoy::type::matcher::v3::StringMatcher& message,
                                                  base::Diagnostics& diagnostics, const base::FieldPath& path) {
  filter::ValueMatcher matcher;
  matcher.kind = Kind::kString;
  matcher.text = compileStringMatcher(message, diagnostics, path);
  if (!matcher.text) return std::nullopt;
  return matcher;
}

std::optional<filter::ValueMatcher> compileOr(const envoy::type::matcher::v3::OrMatcher& message,
                                              base::Diagnostics& diagnostics, const base::FieldPath& path) {
  filter::ValueMatcher matcher;
  matcher.kind = Kind::kOr;
  for (int i = 0; i < message.value_matchers_size(); ++i) {
    auto one =
        compileValueMatcher(message.value_matchers(i), diagnostics, path.at("value_matchers", static_cast<size_t>(i)));
    if (!one) return std::nullopt;
    matcher.inner.push_back(*std::move(one));
  }
  return matcher;
}

}  // namespace

std::optional<filter::ValueMatcher> compileValueMatcher(const ValueForm& message, base::Diagnostics& diagnostics,
                                                        const base::FieldPath& path) {
  filter::ValueMatcher matcher;
  switch (message.match_pattern_case()) {
    case ValueForm::kNullMatch:
      matcher.kind = Kind::kNull;
      return matcher;
    case ValueForm::kDoubleMatch:
      return compileNumber(message.double_match(), diagnostics, path.at("double_match"));
    case ValueForm::kStringMatch:
      return compileString(message.string_match(), diagnostics, path.at("string_match"));
    case ValueForm::kBoolMatch:
      matcher.kind = Kind::kBool;
      matcher.expected = message.bool_match();
      return matcher;
    case ValueForm::kPresentMatch:
      matcher.kind = Kind::kPresent;
      matcher.expected = message.present_match();
      return matcher;
    case ValueForm::kListMatch: {
      auto item = compileValueMatcher(message.list_match().one_of(), diagnostics, path.at("list_match").at("one_of"));
      if (!item) return std::nullopt;
      matcher.kind = Kind::kListItem;
      matcher.inner.push_back(*std::move(item));
      return matcher;
    }
    case ValueForm::kOrMatch:
      return compileOr(message.or_match(), diagnostics, path.at("or_match"));
    case ValueForm::MATCH_PATTERN_NOT_SET:
      break;
  }
  diagnostics.error(path,
                    "no pattern; one of null_match, double_match, string_match, bool_match, present_match, "
                    "list_match, or_match is needed");
  return std::nullopt;
}

std::optional<filter::MetadataMatcher> compileMetadataMatcher(const envoy::type::matcher::v3::MetadataMatcher& message,
                                                              base::Diagnostics& diagnostics,
                                                              const base::FieldPath& path) {
  filter::MetadataMatcher matcher;
  matcher.path.push_back(message.filter());
  for (const auto& segment : message.path()) matcher.path.push_back(segment.key());
  matcher.invert = message.invert();
  auto value = compileValueMatcher(message.value(), diagnostics, path.at("value"));
  if (!value) return std::nullopt;
  matcher.value = *std::move(value);
  return matcher;
}

}  // namespace weir::extensions
