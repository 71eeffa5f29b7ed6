#include "source/server/explain/explain_note.h"

#include <algorithm>

#include "source/server/admin/quote_json.h"

namespace weir::server {
namespace {

constexpr size_t kPlaceColumn = 78;

std::string plainKey(std::string_view key) {
  std::string text(key);
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}

void writeText(const Note& note, size_t depth, size_t width, std::string& out) {
  std::string line(depth * 2, ' ');
  line += plainKey(note.key);
  if (!note.value.empty()) {
    line.resize(std::max(line.size(), depth * 2 + width) + 2, ' ');
    // What has lines of its own (a filter's configuration) goes below.
    for (const char c : note.value) {
      line += c;
      if (c == '\n') line.append(depth * 2 + width + 2, ' ');
    }
  }
  if (!note.at.empty()) {
    line.resize(std::max(line.size() + 2, kPlaceColumn), ' ');
    line += note.at;
  }
  out += line;
  out += '\n';
  size_t below = 0;
  for (const Note& part : note.parts) {
    if (!part.value.empty()) below = std::max(below, part.key.size());
  }
  for (const Note& part : note.parts) writeText(part, depth + 1, below, out);
}

void writeJson(const Note& note, size_t depth, std::string& out);

void writeItems(const Note& note, size_t depth, std::string& out) {
  const std::string indent((depth + 1) * 2, ' ');
  out += '[';
  for (const Note& part : note.parts) {
    if (&part != &note.parts.front()) out += ',';
    out += "\n" + indent;
    writeJson(part, depth + 1, out);
  }
  if (!note.parts.empty()) out += "\n" + std::string(depth * 2, ' ');
  out += ']';
}

void writeJson(const Note& note, size_t depth, std::string& out) {
  const bool list = note.kind == Note::Kind::kList;
  const std::string value = note.kind == Note::Kind::kBare ? note.value : quoteJson(note.value);
  if (note.at.empty() && note.parts.empty() && !list) {
    out += value;
    return;
  }
  if (list && note.at.empty() && note.value.empty()) return writeItems(note, depth, out);
  const std::string indent((depth + 1) * 2, ' ');
  out += '{';
  const auto field = [&](std::string_view key) {
    if (out.back() != '{') out += ',';
    out += "\n" + indent + quoteJson(key) + ": ";
  };
  if (!note.value.empty()) {
    field("value");
    out += value;
  }
  if (!note.at.empty()) {
    field("at");
    out += quoteJson(note.at);
  }
  if (list) {
    field("items");
    writeItems(note, depth + 1, out);
  } else {
    for (const Note& part : note.parts) {
      field(part.key);
      writeJson(part, depth + 1, out);
    }
  }
  out += "\n" + std::string(depth * 2, ' ') + "}";
}

}  // namespace

std::string toText(const Note& root) {
  std::string out = root.value + "\n";
  size_t width = 0;
  for (const Note& part : root.parts) width = std::max(width, part.key.size());
  for (const Note& part : root.parts) writeText(part, 0, width, out);
  return out;
}

std::string toJson(const Note& root) {
  std::string out;
  writeJson(root, 0, out);
  return out + "\n";
}

}  // namespace weir::server
