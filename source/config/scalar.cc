#include "source/config/scalar.h"

#include <google/protobuf/descriptor.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "source/base/strings.h"
#include "source/config/hints.h"

namespace weir::config {
namespace {

using base::av;

constexpr int64_t kLongestDuration = 315576000000;  // seconds, the bound of google.protobuf.Duration
constexpr double kTwoTo63 = 9223372036854775808.0;

absl::Status expected(std::string_view what, const Value& value) {
  return absl::InvalidArgumentError(absl::StrCat("expected ", av(what), ", found ", value.describe()));
}

absl::Status outOfRange(const Value& value, std::string_view least, std::string_view most) {
  return absl::InvalidArgumentError(
      absl::StrCat("saw ", value.text, "; must be a whole number from ", av(least), " to ", av(most)));
}

template <typename T>
bool parseAll(std::string_view text, T& out) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return !text.empty() && error == std::errc() && end == text.data() + text.size();
}

// Text that is made like a whole number, whether or not it fits.
bool looksWhole(std::string_view text) {
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

absl::StatusOr<int64_t> asInt(const Value& value, int64_t least, int64_t most) {
  int64_t number = value.integer;
  if (value.kind == Value::Kind::kString || value.kind == Value::Kind::kFloat) {
    double real = 0;
    if (!parseAll(value.text, number)) {
      if (looksWhole(value.text)) return outOfRange(value, std::to_string(least), std::to_string(most));
      const bool whole = !value.quoted && parseAll(value.text, real) && std::trunc(real) == real;
      if (!whole || real < -kTwoTo63 || real >= kTwoTo63) return expected("a whole number", value);
      number = static_cast<int64_t>(real);
    }
  } else if (value.kind != Value::Kind::kInteger) {
    return expected("a whole number", value);
  }
  if (number < least || number > most) return outOfRange(value, std::to_string(least), std::to_string(most));
  return number;
}

absl::StatusOr<uint64_t> asUint(const Value& value, uint64_t most) {
  uint64_t number = 0;
  if (value.kind == Value::Kind::kString && parseAll(value.text, number)) {
    if (number > most) return outOfRange(value, "0", std::to_string(most));
    return number;
  }
  if ((value.kind == Value::Kind::kString || value.kind == Value::Kind::kFloat) && looksWhole(value.text)) {
    return outOfRange(value, "0", std::to_string(most));
  }
  const auto narrow = asInt(value, std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max());
  if (!narrow.ok()) return narrow.status();
  if (*narrow < 0 || static_cast<uint64_t>(*narrow) > most) return outOfRange(value, "0", std::to_string(most));
  return static_cast<uint64_t>(*narrow);
}

absl::StatusOr<double> asDouble(const Value& value) {
  if (value.kind == Value::Kind::kInteger) return static_cast<double>(value.integer);
  double number = 0;
  if (value.kind == Value::Kind::kFloat || value.kind == Value::Kind::kString) {
    if (value.text == "NaN") return std::numeric_limits<double>::quiet_NaN();
    if (value.text == "Infinity") return std::numeric_limits<double>::infinity();
    if (value.text == "-Infinity") return -std::numeric_limits<double>::infinity();
    if (parseAll(value.text, number) && std::isfinite(number)) return number;
  }
  return expected("a number", value);
}

absl::StatusOr<bool> asBool(const Value& value) {
  if (value.kind == Value::Kind::kBool) return value.boolean;
  if (value.kind == Value::Kind::kString && value.text == "true") return true;
  if (value.kind == Value::Kind::kString && value.text == "false") return false;
  return expected("true or false", value);
}

absl::StatusOr<std::string> asString(const Value& value) {
  if (value.kind == Value::Kind::kString) return value.text;
  if (!value.isScalar()) return expected("a string", value);
  return absl::InvalidArgumentError(
      absl::StrCat("expected a string, found ", value.describe(), "; put it in quotes: \"", value.text, "\""));
}

absl::StatusOr<std::string> asBytes(const Value& value) {
  std::string bytes;
  if (value.isScalar() &&
      (absl::Base64Unescape(value.text, &bytes) || absl::WebSafeBase64Unescape(value.text, &bytes))) {
    return bytes;
  }
  return expected("base64 text", value);
}

absl::StatusOr<int> asEnum(const Value& value, const google::protobuf::EnumDescriptor& type) {
  if (value.kind != Value::Kind::kString && value.kind != Value::Kind::kInteger) {
    return expected(absl::StrCat("a value of ", type.name(), " (", enumNames(type), ")"), value);
  }
  constexpr int64_t kLeast = std::numeric_limits<int>::min(), kMost = std::numeric_limits<int>::max();
  int64_t number = value.integer;
  if (value.kind == Value::Kind::kInteger || parseAll(value.text, number)) {
    if (number < kLeast || number > kMost) return outOfRange(value, std::to_string(kLeast), std::to_string(kMost));
    return static_cast<int>(number);
  }
  if (const auto* exact = type.FindValueByName(value.text)) return exact->number();
  std::string name = absl::AsciiStrToUpper(value.text);
  for (char& c : name) c = c == '-' ? '_' : c;
  for (int i = 0; i < type.value_count(); ++i) {
    if (absl::EqualsIgnoreCase(type.value(i)->name(), name)) return type.value(i)->number();
  }
  return absl::InvalidArgumentError(unknownEnumValue(type, value.text));
}

absl::StatusOr<Seconds> asDuration(const Value& value) {
  const absl::Status wrong = expected("a duration such as \"5s\" or \"0.25s\"", value);
  if (value.kind != Value::Kind::kString) return wrong;
  std::string_view text = value.text;
  const bool negative = !text.empty() && text.front() == '-';
  if (negative) text.remove_prefix(1);
  if (text.size() < 2 || text.back() != 's') return wrong;
  text.remove_suffix(1);
  const size_t dot = text.find('.');
  const std::string_view whole = text.substr(0, dot);
  std::string_view part = dot == std::string_view::npos ? "0" : text.substr(dot + 1);
  Seconds out;
  const bool digits = looksWhole(part) && absl::ascii_isdigit(part.front()) && (whole.empty() || looksWhole(whole));
  if (!digits || part.size() > 9 || (!whole.empty() && !absl::ascii_isdigit(whole.front()))) return wrong;
  if (!whole.empty() && !parseAll(whole, out.seconds)) out.seconds = kLongestDuration + 1;
  if (out.seconds > kLongestDuration) {
    return absl::InvalidArgumentError(
        absl::StrCat("saw ", value.text, "; a duration is at most ", kLongestDuration, "s"));
  }
  std::string nanos(part);
  nanos.resize(9, '0');
  parseAll(std::string_view(nanos), out.nanos);
  if (negative) out = {-out.seconds, -out.nanos};
  return out;
}

}  // namespace weir::config
