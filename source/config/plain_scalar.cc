#include "source/config/plain_scalar.h"

#include <array>
#include <charconv>
#include <cstdio>

namespace weir::config {
namespace {

bool isOneOf(std::string_view text, const std::array<std::string_view, 11>& words) {
  for (const std::string_view word : words) {
    if (text == word) return true;
  }
  return false;
}

}  // namespace

bool setBool(Value& value) {
  static constexpr std::array<std::string_view, 11> kTrue = {"true", "True", "TRUE", "yes", "Yes", "YES",
                                                             "on",   "On",   "ON",   "y",   "Y"};
  static constexpr std::array<std::string_view, 11> kFalse = {"false", "False", "FALSE", "no", "No", "NO",
                                                              "off",   "Off",   "OFF",   "n",  "N"};
  const bool yes = isOneOf(value.text, kTrue);
  if (!yes && !isOneOf(value.text, kFalse)) return false;
  value.kind = Value::Kind::kBool;
  value.boolean = yes;
  return true;
}

bool setInteger(Value& value) {
  std::string_view digits = value.text;
  const bool negative = !digits.empty() && digits.front() == '-';
  if (negative || (!digits.empty() && digits.front() == '+')) digits.remove_prefix(1);
  int base = 10;
  if (digits.size() > 2 && digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X')) {
    base = 16;
    digits.remove_prefix(2);
  } else if (digits.size() > 1 && digits[0] == '0') {
    base = 8;
    digits.remove_prefix(1);
  }
  uint64_t magnitude = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), magnitude, base);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return false;
  const uint64_t limit = static_cast<uint64_t>(INT64_MAX) + (negative ? 1 : 0);
  if (magnitude > limit) return false;
  value.kind = Value::Kind::kInteger;
  value.integer = static_cast<int64_t>(negative ? 0 - magnitude : magnitude);
  return true;
}

bool isNumber(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool letters = text.find_first_of("nN") != std::string_view::npos;  // inf and nan are no JSON numbers
  return !text.empty() && error == std::errc() && end == text.data() + text.size() && !letters;
}

std::string joinSurrogates(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  const auto unit = [&](size_t at) {
    unsigned value = 0;
    if (at + 6 > text.size() || text[at] != '\\' || text[at + 1] != 'u') return 0u;
    const auto [end, error] = std::from_chars(&text[at + 2], &text[at + 2] + 4, value, 16);
    return error == std::errc() && end == &text[at + 2] + 4 ? value : 0u;
  };
  for (size_t i = 0; i < text.size();) {
    const unsigned high = unit(i), low = high == 0 ? 0 : unit(i + 6);
    if (high >= 0xD800 && high < 0xDC00 && low >= 0xDC00 && low < 0xE000) {
      char escape[16];
      snprintf(escape, sizeof(escape), "\\U%08X", 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00));
      out += escape;
      i += 12;
      continue;
    }
    const size_t take = text[i] == '\\' && i + 1 < text.size() ? 2 : 1;  // never the second half of an escape
    out += text.substr(i, take);
    i += take;
  }
  return out;
}

}  // namespace weir::config
