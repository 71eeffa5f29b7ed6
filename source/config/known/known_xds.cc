#include "source/config/known/known_xds.h"

#include <cstddef>

#include "source/config/known/known_xds_table.h"

namespace weir::config {
namespace {

struct Line {
  std::string_view message;
  std::string_view mark;
  std::string_view fields;
};

// Cuts the text before the first `separator` off the front of `text` and returns it; the rest, if any, stays.
std::string_view cut(std::string_view& text, char separator) {
  const size_t end = text.find(separator);
  const std::string_view head = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return head;
}

Line parse(std::string_view line) {
  Line result;
  result.message = cut(line, '\t');
  result.mark = cut(line, '\t');
  result.fields = line;
  return result;
}

// Binary search over bytes: each probe moves back to the start of its line. An unknown message gives an empty line.
Line find(std::string_view table, std::string_view message) {
  size_t low = 0;
  size_t high = table.size();
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    // The newline before `middle`, if there is one at or after `low`; lines in [low, high) are whole.
    const size_t newline = middle == 0 ? std::string_view::npos : table.rfind('\n', middle - 1);
    const size_t start = newline == std::string_view::npos || newline < low ? low : newline + 1;
    size_t end = table.find('\n', start);
    if (end == std::string_view::npos) end = table.size();
    const Line line = parse(table.substr(start, end - start));
    if (line.message == message) return line;
    if (line.message < message) {
      low = end < table.size() ? end + 1 : table.size();
    } else {
      high = start;
    }
  }
  return Line();
}

// protobuf's rule for JSON names: an underscore goes away and the letter after it becomes a capital.
bool isCamelOf(std::string_view camel, std::string_view snake) {
  size_t used = 0;
  bool capital = false;
  for (char c : snake) {
    if (c == '_') {
      capital = true;
      continue;
    }
    if (capital && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    capital = false;
    if (used == camel.size() || camel[used] != c) return false;
    ++used;
  }
  return used == camel.size();
}

}  // namespace

KnownXds::KnownXds() : table_(kKnownXdsTable, sizeof(kKnownXdsTable) - 1) {}

bool KnownXds::message(std::string_view full_name) const {
  return !full_name.empty() && !find(table_, full_name).message.empty();
}

bool KnownXds::field(std::string_view message, std::string_view name) const {
  if (message.empty() || name.empty()) return false;
  std::string_view fields = find(table_, message).fields;
  while (!fields.empty()) {
    const std::string_view known = cut(fields, ',');
    if (known == name || isCamelOf(name, known)) return true;
  }
  return false;
}

bool KnownXds::extension(std::string_view full_type) const {
  return !full_type.empty() && find(table_, full_type).mark == "*";
}

std::vector<std::string_view> KnownXds::fieldsOf(std::string_view message) const {
  std::vector<std::string_view> result;
  if (message.empty()) return result;
  std::string_view fields = find(table_, message).fields;
  while (!fields.empty()) result.push_back(cut(fields, ','));
  return result;
}

std::vector<std::string_view> KnownXds::extensions() const {
  std::vector<std::string_view> result;
  std::string_view rest = table_;
  while (!rest.empty()) {
    const Line line = parse(cut(rest, '\n'));
    if (line.mark == "*") result.push_back(line.message);
  }
  return result;
}

}  // namespace weir::config
