#include "source/extensions/matchers/compile_matchers.h"

#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "envoy/config/core/v3/core.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "envoy/type/matcher/v3/matcher.pb.h"
#include "envoy/type/v3/type.pb.h"

namespace weir::extensions {
namespace {

using HeaderForm = envoy::config::route::v3::HeaderMatcher;
using StringForm = envoy::type::matcher::v3::StringMatcher;
using StringKind = filter::StringMatcher::Kind;
using HeaderKind = filter::HeaderMatcher::Kind;

filter::HeaderMatcher::Range compileRange(const envoy::type::v3::Int64Range& range) {
  return {range.start(), range.end()};
}

}  // namespace

std::optional<filter::StringMatcher> compileRegexMatcher(const envoy::type::matcher::v3::RegexMatcher& message,
                                                         base::Diagnostics& diagnostics, const base::FieldPath& path) {
  absl::StatusOr<filter::StringMatcher> matcher = filter::StringMatcher::regex(message.regex());
  if (matcher.ok()) return *std::move(matcher);
  diagnostics.error(path.at("regex"), std::string(matcher.status().message()));
  return std::nullopt;
}

std::optional<filter::StringMatcher> compileStringMatcher(const StringForm& message, base::Diagnostics& diagnostics,
                                                          const base::FieldPath& path) {
  const bool ignore_case = message.ignore_case();
  switch (message.match_pattern_case()) {
    case StringForm::kExact:
      return filter::StringMatcher(StringKind::kExact, message.exact(), ignore_case);
    case StringForm::kPrefix:
      return filter::StringMatcher(StringKind::kPrefix, message.prefix(), ignore_case);
    case StringForm::kSuffix:
      return filter::StringMatcher(StringKind::kSuffix, message.suffix(), ignore_case);
    case StringForm::kContains:
      return filter::StringMatcher(StringKind::kContains, message.contains(), ignore_case);
    case StringForm::kSafeRegex:
      return compileRegexMatcher(message.safe_regex(), diagnostics, path.at("safe_regex"));
    case StringForm::MATCH_PATTERN_NOT_SET:
      break;
  }
  diagnostics.error(path, "no pattern; one of exact, prefix, suffix, safe_regex, contains is needed");
  return std::nullopt;
}

std::optional<filter::HeaderMatcher> compileHeaderMatcher(const HeaderForm& message, base::Diagnostics& diagnostics,
                                                          const base::FieldPath& path) {
  filter::HeaderMatcher matcher;
  matcher.name = absl::AsciiStrToLower(message.name());
  matcher.invert = message.invert_match();
  matcher.treat_missing_as_empty = message.treat_missing_header_as_empty();
  matcher.kind = HeaderKind::kString;
  switch (message.header_match_specifier_case()) {
    case HeaderForm::kExactMatch:
      // An empty exact_match has always meant "any value".
      if (message.exact_match().empty()) {
        matcher.kind = HeaderKind::kPresent;
      } else {
        matcher.value.emplace(StringKind::kExact, message.exact_match(), false);
      }
      return matcher;
    case HeaderForm::kPrefixMatch:
      matcher.value.emplace(StringKind::kPrefix, message.prefix_match(), false);
      return matcher;
    case HeaderForm::kSuffixMatch:
      matcher.value.emplace(StringKind::kSuffix, message.suffix_match(), false);
      return matcher;
    case HeaderForm::kContainsMatch:
      matcher.value.emplace(StringKind::kContains, message.contains_match(), false);
      return matcher;
    case HeaderForm::kSafeRegexMatch:
      matcher.value = compileRegexMatcher(message.safe_regex_match(), diagnostics, path.at("safe_regex_match"));
      break;
    case HeaderForm::kStringMatch:
      matcher.value = compileStringMatcher(message.string_match(), diagnostics, path.at("string_match"));
      break;
    case HeaderForm::kRangeMatch:
      matcher.kind = HeaderKind::kRange;
      matcher.range = compileRange(message.range_match());
      return matcher;
    case HeaderForm::kPresentMatch:
      matcher.kind = message.present_match() ? HeaderKind::kPresent : HeaderKind::kAbsent;
      return matcher;
    case HeaderForm::HEADER_MATCH_SPECIFIER_NOT_SET:
      matcher.kind = HeaderKind::kPresent;
      return matcher;
  }
  if (!matcher.value) return std::nullopt;
  return matcher;
}

std::vector<filter::HeaderMatcher> compileHeaderMatchers(const google::protobuf::RepeatedPtrField<HeaderForm>& messages,
                                                         base::Diagnostics& diagnostics, const base::FieldPath& path,
                                                         const char* field) {
  std::vector<filter::HeaderMatcher> matchers;
  matchers.reserve(messages.size());
  for (int i = 0; i < messages.size(); ++i) {
    if (auto matcher = compileHeaderMatcher(messages[i], diagnostics, path.at(field, static_cast<size_t>(i)))) {
      matchers.push_back(*std::move(matcher));
    }
  }
  return matchers;
}

filter::Fraction compileFraction(const envoy::type::v3::FractionalPercent& message) {
  filter::Fraction fraction{message.numerator(), 100};
  if (message.denominator() == envoy::type::v3::FractionalPercent::TEN_THOUSAND) fraction.denominator = 10'000;
  if (message.denominator() == envoy::type::v3::FractionalPercent::MILLION) fraction.denominator = 1'000'000;
  return fraction;
}

filter::Fraction compileFraction(const envoy::config::core::v3::RuntimeFractionalPercent& message) {
  return compileFraction(message.default_value());
}

}  // namespace weir::extensions
