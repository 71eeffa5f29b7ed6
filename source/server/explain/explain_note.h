// Note: one line of an explanation: what it is about, what is so, where the configuration says it, and what belongs to
// it. A plain tree, printed as aligned text for people or as JSON for programs.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::server {

struct Note {
  enum class Kind { kText, kBare, kList };

  std::string key;
  std::string value{};  // of kBare as JSON has it: a number, true, false, null
  std::string at{};     // "file:line"; empty: no file says it
  std::vector<Note> parts{};
  Kind kind = Kind::kText;  // kList: the parts are the items of a list

  Note& add(std::string_view name, std::string text, std::string where = {}) {
    parts.push_back({std::string(name), std::move(text), std::move(where)});
    return parts.back();
  }
  Note& addBare(std::string_view name, std::string number, std::string where = {}) {
    parts.push_back({std::string(name), std::move(number), std::move(where), {}, Kind::kBare});
    return parts.back();
  }
  Note& addList(std::string_view name, std::string where = {}) {
    parts.push_back({std::string(name), "", std::move(where), {}, Kind::kList});
    return parts.back();
  }
};

// A line per note, indented below what it belongs to, places in a column at the right.
std::string toText(const Note& root);
// An object. A note that is nothing but a text or number is that; one with more is an object, whose "value" and "at"
// hold its own text and place.
std::string toJson(const Note& root);

}  // namespace weir::server
