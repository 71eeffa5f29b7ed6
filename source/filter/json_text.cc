#include "source/filter/json_text.h"

#include <algorithm>

#include "source/http/scan.h"

namespace weir::filter {
namespace {

// What stands in a JSON string as it is: visible ASCII and spaces, without quotes and backslashes.
constexpr http::ByteSet kPlainBytes = [] {
  http::ByteSet set;
  set.add(0x20, '"' - 1);
  set.add('"' + 1, '\\' - 1);
  set.add('\\' + 1, 0x7e);
  return set;
}();

// The length of the valid UTF-8 sequence of two or more bytes at the front, or 0 (RFC 3629 section 4).
size_t sequence(std::string_view text) {
  const auto at = [text](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto tail = [&at](size_t i) { return (at(i) & 0xc0) == 0x80; };
  const unsigned lead = at(0);
  if (lead >= 0xc2 && lead <= 0xdf) return tail(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    if (!tail(1) || !tail(2)) return 0;
    const bool overlong = lead == 0xe0 && at(1) < 0xa0;
    const bool surrogate = lead == 0xed && at(1) >= 0xa0;
    return overlong || surrogate ? 0 : 3;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    if (!tail(1) || !tail(2) || !tail(3)) return 0;
    const bool overlong = lead == 0xf0 && at(1) < 0x90;
    const bool beyond = lead == 0xf4 && at(1) >= 0x90;
    return overlong || beyond ? 0 : 4;
  }
  return 0;
}

void appendEscape(char c, std::string& out) {
  static constexpr char kHex[] = "0123456789abcdef";
  if (c == '"' || c == '\\') {
    out += '\\';
    out += c;
  } else if (c == '\n') {
    out += "\\n";
  } else if (c == '\r') {
    out += "\\r";
  } else if (c == '\t') {
    out += "\\t";
  } else {
    const auto byte = static_cast<unsigned char>(c);
    out += "\\u00";
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
}

}  // namespace

void appendJsonEscaped(std::string_view text, std::string& out) {
  while (!text.empty()) {
    const size_t run = http::findOutside(kPlainBytes, text);
    out += text.substr(0, run);
    text.remove_prefix(run);
    if (text.empty()) return;
    const size_t whole = sequence(text);
    if (whole > 0) {
      out += text.substr(0, whole);
    } else {
      appendEscape(text[0], out);
    }
    text.remove_prefix(std::max<size_t>(whole, 1));
  }
}

bool needsJsonEscape(std::string_view text) { return http::findOutside(kPlainBytes, text) != text.size(); }

}  // namespace weir::filter
