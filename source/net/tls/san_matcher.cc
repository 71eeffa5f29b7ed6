#include "source/net/tls/san_matcher.h"

#include <re2/re2.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "source/base/strings.h"

namespace weir::net::tls {
namespace {

std::string_view withoutFinalDot(std::string_view name) {
  if (name.size() > 1 && name.back() == '.') name.remove_suffix(1);
  return name;
}

bool equalIgnoreCase(std::string_view a, std::string_view b) {
  return absl::EqualsIgnoreCase(base::av(a), base::av(b));
}

std::string_view typeName(SanType type) {
  switch (type) {
    case SanType::kDns:
      return "DNS";
    case SanType::kUri:
      return "URI";
    case SanType::kEmail:
      return "EMAIL";
    case SanType::kIp:
      return "IP_ADDRESS";
    case SanType::kOther:
      return "OTHER_NAME";
  }
  return "unknown";
}

std::string_view kindName(SanMatcher::Kind kind) {
  switch (kind) {
    case SanMatcher::Kind::kExact:
      return "exact";
    case SanMatcher::Kind::kPrefix:
      return "prefix";
    case SanMatcher::Kind::kSuffix:
      return "suffix";
    case SanMatcher::Kind::kContains:
      return "contains";
  }
  return "unknown";
}

}  // namespace

bool dnsNameMatches(std::string_view pattern, std::string_view name) {
  pattern = withoutFinalDot(pattern);
  name = withoutFinalDot(name);
  if (pattern.empty() || name.empty()) return false;
  if (pattern.find('*') == std::string_view::npos) return equalIgnoreCase(pattern, name);
  if (!pattern.starts_with("*.")) return false;
  const std::string_view rest = pattern.substr(1);  // ".example.com"
  if (rest.find('*') != std::string_view::npos || rest.find('.', 1) == std::string_view::npos) return false;
  const size_t dot = name.find('.');
  return dot != std::string_view::npos && dot > 0 && equalIgnoreCase(rest, name.substr(dot));
}

SanMatcher::SanMatcher(SanType type, Kind kind, std::string_view text, bool ignore_case, std::string_view oid)
    : type_(type), kind_(kind), ignore_case_(ignore_case), text_(text), oid_(oid) {
  if (ignore_case_) absl::AsciiStrToLower(&text_);
}

absl::StatusOr<SanMatcher> SanMatcher::regex(SanType type, std::string_view expression, std::string_view oid) {
  auto compiled = std::make_shared<const re2::RE2>(re2::StringPiece(expression.data(), expression.size()),
                                                   re2::RE2::CannedOptions::Quiet);
  if (!compiled->ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", base::av(expression), "' is not a regular expression: ", compiled->error()));
  }
  SanMatcher matcher(type, Kind::kExact, expression, false, oid);
  matcher.regex_ = std::move(compiled);
  return matcher;
}

bool SanMatcher::matches(const SubjectNames& names) const {
  return std::any_of(names.all.begin(), names.all.end(), [this](const SubjectNames::Name& name) {
    if (name.type != type_ || (type_ == SanType::kOther && name.oid != oid_)) return false;
    if (type_ == SanType::kDns && regex_ == nullptr && kind_ == Kind::kExact) return dnsNameMatches(name.text, text_);
    if (ignore_case_) return matchesText(absl::AsciiStrToLower(name.text));
    return matchesText(name.text);
  });
}

bool SanMatcher::matchesText(std::string_view name) const {
  if (regex_ != nullptr) return re2::RE2::FullMatch(re2::StringPiece(name.data(), name.size()), *regex_);
  switch (kind_) {
    case Kind::kExact:
      return name == text_;
    case Kind::kPrefix:
      return name.starts_with(text_);
    case Kind::kSuffix:
      return name.ends_with(text_);
    case Kind::kContains:
      return name.find(text_) != std::string_view::npos;
  }
  return false;
}

std::string SanMatcher::text() const {
  const std::string_view how = regex_ != nullptr ? "regex" : kindName(kind_);
  return absl::StrCat(base::av(typeName(type_)), oid_.empty() ? "" : " ", oid_, " ", base::av(how), " \"", text_, "\"",
                      ignore_case_ ? " in any case" : "");
}

}  // namespace weir::net::tls
