// SourceMap: which file, line and column each field of a loaded configuration was written at, so that an error found
// long after parsing still names its place. The reader adds a node per field that it sees; later code asks by the text
// of a FieldPath. Where the exact field was not written (it is missing, say) the longest known prefix answers. Made by
// the loader, kept beside the configuration, used on the main thread only. Recording costs a few words per field and
// builds no text. It also remembers where the diagnostics that the reader itself reported belong (pin), as some of
// them are about a key that names no field.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "source/config/value.h"

namespace weir::config {

// A place with its file. Line 0: only the file is known. An empty file: nothing is known.
struct Position {
  std::string file;
  uint32_t line = 0;
  uint32_t column = 0;
};

class SourceMap {
 public:
  using Node = uint32_t;

  // Starts a file; the node is the root of what is read from it. A later file overlays the earlier ones.
  Node addFile(std::string name);
  // `name` must outlive the map, as the names of linked descriptors do.
  Node addField(Node parent, std::string_view name, Place place);
  // The same for a name that may not live that long.
  Node addFieldCopy(Node parent, std::string_view name, Place place);
  Node addIndex(Node list, size_t index, Place place);
  Node addKey(Node map, std::string_view key, Place place);  // copies the key

  // Diagnostic number `diagnostic` belongs to this place of the file that `in` is part of, whatever its path says.
  void pin(size_t diagnostic, Node in, Place place);

  // Whether a file gives the field with this FieldPath text.
  bool has(std::string_view path) const;
  // The place of that field, or of the nearest field around it.
  Position find(std::string_view path) const;
  // The pinned place of the diagnostic, else the one of its path.
  Position find(size_t diagnostic, std::string_view path) const;

  // The order in which the file was added; unknown files come last.
  size_t orderOf(std::string_view file) const;

 private:
  enum class Step : uint8_t { kRoot, kField, kIndex, kKey };
  static constexpr Node kNone = UINT32_MAX;
  struct Entry {
    std::string_view name;
    uint32_t index;
    uint32_t file;
    Place place;
    Node first = kNone;
    Node last = kNone;
    Node next = kNone;
    Step step;
  };
  struct Pinned {
    uint32_t file;
    Place place;
  };

  Node add(Node parent, Step step, std::string_view name, size_t index, Place place);
  // How many bytes of `rest` this node takes; 0 when it is another one.
  size_t taken(const Entry& node, std::string_view rest) const;
  // The node below `root` that takes most of the path, and how much of it.
  struct Found {
    Node node;
    size_t used;
  };
  Found walk(Node root, std::string_view path) const;
  Position position(uint32_t file, Place place) const;

  std::vector<std::string> files_;
  std::vector<Node> roots_;
  std::vector<Entry> nodes_;
  std::deque<std::string> keys_;
  std::map<size_t, Pinned> pinned_;
};

}  // namespace weir::config
