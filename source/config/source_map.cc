#include "source/config/source_map.h"

#include <charconv>
#include <utility>

namespace weir::config {

SourceMap::Node SourceMap::addFile(std::string name) {
  const auto file = static_cast<uint32_t>(files_.size());
  files_.push_back(std::move(name));
  const auto root = static_cast<Node>(nodes_.size());
  nodes_.push_back(Entry{.name = {}, .index = 0, .file = file, .place = {}, .step = Step::kRoot});
  roots_.push_back(root);
  return root;
}

SourceMap::Node SourceMap::addField(Node parent, std::string_view name, Place place) {
  return add(parent, Step::kField, name, 0, place);
}

SourceMap::Node SourceMap::addFieldCopy(Node parent, std::string_view name, Place place) {
  keys_.emplace_back(name);
  return add(parent, Step::kField, keys_.back(), 0, place);
}

SourceMap::Node SourceMap::addIndex(Node list, size_t index, Place place) {
  return add(list, Step::kIndex, {}, index, place);
}

SourceMap::Node SourceMap::addKey(Node map, std::string_view key, Place place) {
  std::string escaped;  // as FieldPath::text() writes it
  for (const char c : key) {
    if (c == '"' || c == '\\') escaped += '\\';
    escaped += c;
  }
  keys_.push_back(std::move(escaped));
  return add(map, Step::kKey, keys_.back(), 0, place);
}

SourceMap::Node SourceMap::add(Node parent, Step step, std::string_view name, size_t index, Place place) {
  const auto node = static_cast<Node>(nodes_.size());
  nodes_.push_back(Entry{
      .name = name, .index = static_cast<uint32_t>(index), .file = nodes_[parent].file, .place = place, .step = step});
  Entry& above = nodes_[parent];
  if (above.last == kNone) {
    above.first = node;
  } else {
    nodes_[above.last].next = node;
  }
  above.last = node;
  return node;
}

void SourceMap::pin(size_t diagnostic, Node in, Place place) {
  pinned_[diagnostic] = Pinned{.file = nodes_[in].file, .place = place};
}

size_t SourceMap::taken(const Entry& node, std::string_view rest) const {
  size_t used = 0;
  switch (node.step) {
    case Step::kRoot:
      return 0;
    case Step::kField: {
      if (!rest.empty() && rest.front() == '.') used = 1;
      if (rest.substr(used, node.name.size()) != node.name) return 0;
      used += node.name.size();
      const bool whole = used == rest.size() || rest[used] == '.' || rest[used] == '[';
      return whole ? used : 0;
    }
    case Step::kIndex: {
      uint32_t index = 0;
      if (rest.empty() || rest.front() != '[') return 0;
      const auto [end, error] = std::from_chars(rest.data() + 1, rest.data() + rest.size(), index);
      used = static_cast<size_t>(end - rest.data());
      const bool same = error == std::errc() && index == node.index && used < rest.size() && rest[used] == ']';
      return same ? used + 1 : 0;
    }
    case Step::kKey: {
      used = node.name.size() + 4;
      const bool same = rest.size() >= used && rest.substr(0, 2) == "[\"" &&
                        rest.substr(2, node.name.size()) == node.name && rest.substr(used - 2, 2) == "\"]";
      return same ? used : 0;
    }
  }
  return 0;
}

SourceMap::Found SourceMap::walk(Node root, std::string_view path) const {
  Found found{root, 0};
  for (Node child = nodes_[root].first; child != kNone;) {
    const size_t step = taken(nodes_[child], path.substr(found.used));
    if (step == 0) {
      child = nodes_[child].next;
      continue;
    }
    found = {child, found.used + step};
    child = nodes_[child].first;
  }
  return found;
}

bool SourceMap::has(std::string_view path) const {
  for (const Node root : roots_) {
    if (walk(root, path).used == path.size()) return true;
  }
  return false;
}

Position SourceMap::find(std::string_view path) const {
  Found best{kNone, 0};
  for (const Node root : roots_) {
    const Found found = walk(root, path);
    // Of two files that know the field equally well, the overlay is the one that set it.
    if (best.node == kNone || (found.used > 0 && found.used >= best.used)) best = found;
  }
  if (best.node == kNone) return {};
  return position(nodes_[best.node].file, nodes_[best.node].place);
}

Position SourceMap::find(size_t diagnostic, std::string_view path) const {
  const auto it = pinned_.find(diagnostic);
  return it == pinned_.end() ? find(path) : position(it->second.file, it->second.place);
}

Position SourceMap::position(uint32_t file, Place place) const { return {files_[file], place.line, place.column}; }

size_t SourceMap::orderOf(std::string_view file) const {
  for (size_t i = 0; i < files_.size(); ++i) {
    if (files_[i] == file) return i;
  }
  return files_.size();
}

}  // namespace weir::config
