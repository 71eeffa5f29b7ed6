// Value: one node of a parsed YAML or JSON document, with the place it was written at. Aliases are already replaced by
// what they stand for, keys tagged !ignore are gone, and no key occurs twice. Made by readYaml and owned by the caller
// as one tree; read by ProtoReader on the main thread while a configuration loads, and dropped after. It knows nothing
// of protobuf: whether "10s" is a duration is decided by the field that takes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir::config {

// Line and column count from 1; line 0 means that the place is not known.
struct Place {
  uint32_t line = 0;
  uint32_t column = 0;
};

struct Entry;

struct Value {
  // kFloat is a number that the document says is one: a fraction in JSON, or tagged !!float in YAML. A bare 1.5 of
  // YAML is a string, as it is for the other readers of these files.
  enum class Kind : uint8_t { kNull, kBool, kInteger, kFloat, kString, kList, kMap };

  Kind kind = Kind::kNull;
  bool quoted = false;         // a quoted or block scalar: always a string
  bool boolean = false;        // kBool
  Place place;                 // of the scalar, or of the first thing in a list or map
  int64_t integer = 0;         // kInteger
  std::string text;            // every scalar but null, as written
  std::vector<Value> items;    // kList
  std::vector<Entry> entries;  // kMap, in the order of the file

  bool isNull() const { return kind == Kind::kNull; }
  bool isScalar() const { return kind != Kind::kNull && kind != Kind::kList && kind != Kind::kMap; }

  // The entry of a map with this key, or null.
  const Entry* find(std::string_view key) const;

  // For messages: `the string "abc"`, `the number 5`, `the boolean on`, `null`, `a list`, `a map`. Long strings are
  // cut.
  std::string describe() const;

  // The number of nodes of this tree.
  size_t nodes() const;
};

struct Entry {
  std::string key;
  Place place;  // of the key
  Value value;
};

}  // namespace weir::config
