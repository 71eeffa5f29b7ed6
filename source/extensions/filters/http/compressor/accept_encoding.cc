#include "source/extensions/filters/http/compressor/accept_encoding.h"

#include <optional>

#include "source/http/field_rules.h"

namespace weir::extensions::compressor {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t";
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// Calls fn(name, parameters) for each entry, until it returns false.
template <typename Fn>
void forEachEntry(std::string_view list, char behind_name, Fn&& fn) {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    const std::string_view entry = list.substr(0, comma);
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
    const size_t end = entry.find(behind_name);
    const std::string_view rest = end == std::string_view::npos ? std::string_view() : entry.substr(end + 1);
    if (!fn(trimmed(entry.substr(0, end)), trimmed(rest))) return;
  }
}

// Only whether it is zero matters here: "q=0", "q=0.", "q=0.000".
bool isZero(std::string_view parameters) {
  if (parameters.size() < 3 || (parameters[0] != 'q' && parameters[0] != 'Q')) return false;
  std::string_view value = trimmed(parameters.substr(1));
  if (value.empty() || value[0] != '=') return false;
  value = trimmed(value.substr(1));
  return !value.empty() && value[0] == '0' && value.find_first_not_of("0.") == std::string_view::npos;
}

}  // namespace

bool acceptsEncoding(std::string_view accept_encoding, std::string_view encoding) {
  std::optional<bool> named;
  bool others = false;
  forEachEntry(accept_encoding, ';', [&](std::string_view name, std::string_view parameters) {
    // RFC 9110 section 8.4.1.3: x-gzip is gzip.
    const bool same = http::equalsLower(name, encoding) || (encoding == "gzip" && http::equalsLower(name, "x-gzip"));
    if (same) named = !isZero(parameters);
    if (name == "*") others = !isZero(parameters);
    return true;
  });
  return named.value_or(others);
}

bool hasToken(std::string_view list, std::string_view lower) {
  bool found = false;
  forEachEntry(list, '=', [&](std::string_view name, std::string_view) {
    found = http::equalsLower(trimmed(name.substr(0, name.find(';'))), lower);
    return !found;
  });
  return found;
}

}  // namespace weir::extensions::compressor
