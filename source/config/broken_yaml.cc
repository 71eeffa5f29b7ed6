#include "source/config/broken_yaml.h"

#include <array>
#include <utility>

namespace weir::config {
namespace {

// The text from that line on.
std::string_view fromLine(std::string_view text, uint32_t number) {
  for (uint32_t line = 1; line < number; ++line) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text;
}

// Without the anchor and the tag that may stand before a scalar.
std::string_view behindProperties(std::string_view text) {
  while (!text.empty() && (text.front() == '&' || text.front() == '!')) {
    const size_t end = text.find_first_of(" \t\r\n");
    const size_t next = end == std::string_view::npos ? end : text.find_first_not_of(" \t\r\n", end);
    text = next == std::string_view::npos ? std::string_view() : text.substr(next);
  }
  return text;
}

bool indentedByTab(std::string_view line) {
  const size_t start = line.find_first_not_of(' ');
  return start != std::string_view::npos && line[start] == '\t';
}

std::string_view meaningOf(std::string_view word) {
  constexpr std::string_view kIndent =
      "this line does not begin in the column of those that it belongs to; all keys of a map and all items of a list "
      "begin in the same one";
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 12> kMeanings = {{
      {"end of map not found", kIndent},
      {"end of sequence not found", kIndent},
      {"illegal block entry", kIndent},
      {"end of map flow not found", "a '{' is not closed; a comma or a '}' is missing before this place"},
      {"end of sequence flow not found", "a '[' is not closed; a comma or a ']' is missing before this place"},
      {"illegal flow end", "a '}' or ']' closes what is not open"},
      {"illegal map value",
       "a ':' that is one too many; is the key of the line before without one, or does a text with ': ' lack quotes?"},
      {"illegal map key", "a key stands here that cannot; is the line before complete?"},
      {"alias not found after *", "a value that begins with '*' needs quotes: '*'"},
      {"anchor not found after &", "a value that begins with '&' needs quotes"},
      {"the referenced anchor is not defined", "no '&' before this place defines that name; a text needs quotes"},
      {"illegal EOF in scalar", "a quote that opens here or before is not closed"},
  }};
  for (const auto& [seen, meaning] : kMeanings) {
    if (word == seen) return meaning;
  }
  return {};
}

}  // namespace

std::string brokenYaml(std::string_view word, std::string_view text, Place place) {
  const std::string_view rest = fromLine(text, place.line);
  const std::string_view line = rest.substr(0, rest.find('\n'));
  const char at = place.column > 0 && place.column <= line.size() ? line[place.column - 1] : '\0';
  const char before = at != '\0' && place.column > 1 ? line[place.column - 2] : '\0';
  std::string meaning(meaningOf(word));
  if (indentedByTab(line)) {
    meaning = "this line is indented by a tab; YAML takes spaces only";
  } else if (word == "unknown token" && (at == '@' || at == '`' || at == '%') && before != '"' && before != '\'') {
    meaning = std::string("what begins with '") + at + "' needs quotes, a key such as \"@type\" too";
  } else if (word == "unknown token") {
    meaning = "this cannot stand here; is a quote missing before it?";
  }
  if (meaning.empty()) return "broken YAML: " + std::string(word);
  return "broken YAML: " + meaning + " (" + std::string(word) + ")";
}

bool quoteEnds(std::string_view text, Place place) {
  if (place.line == 0) return true;
  const std::string_view line = fromLine(text, place.line);
  if (line.size() < place.column) return true;
  const std::string_view scalar = behindProperties(line.substr(place.column - 1));  // columns count bytes
  if (scalar.empty() || (scalar.front() != '"' && scalar.front() != '\'')) return true;
  const bool escapes = scalar.front() == '"';
  for (size_t i = 1; i < scalar.size(); ++i) {
    if (escapes && scalar[i] == '\\') {
      ++i;
    } else if (scalar[i] == scalar.front()) {
      if (escapes || scalar.substr(i + 1, 1) != "'") return true;
      ++i;  // '' is a quote inside
    }
  }
  return false;
}

}  // namespace weir::config
