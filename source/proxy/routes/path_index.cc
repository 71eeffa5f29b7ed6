#include "source/proxy/routes/path_index.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace weir::proxy {

void PathCandidates::push(const uint32_t* list, size_t size) {
  if (size == 0) return;
  const Cursor cursor{list, list + size};
  if (inline_count_ < kInline) {
    inline_[inline_count_++] = cursor;
  } else {
    more_.push_back(cursor);
  }
}

bool PathCandidates::next(uint32_t& entry) {
  Cursor* best = nullptr;
  const auto look = [&best](Cursor& cursor) {
    if (cursor.at != cursor.end && (best == nullptr || *cursor.at < *best->at)) best = &cursor;
  };
  for (size_t i = 0; i < inline_count_; ++i) look(inline_[i]);
  for (Cursor& cursor : more_) look(cursor);
  if (best == nullptr) return false;
  entry = *best->at++;
  return true;
}

void PathIndex::Builder::add(std::string_view literal, Kind kind, uint32_t entry) {
  items_.push_back({std::string(literal), kind, entry});
}

PathIndex PathIndex::Builder::build() && {
  std::sort(items_.begin(), items_.end(), [](const Item& a, const Item& b) {
    return std::tie(a.literal, a.kind, a.entry) < std::tie(b.literal, b.kind, b.entry);
  });
  return PathIndex(std::move(items_));
}

PathIndex::PathIndex(std::vector<Builder::Item> items) {
  if (items.empty()) return;
  nodes_.emplace_back();
  entries_.reserve(items.size());
  // Not by recursion: a path may be as deep as it is long.
  std::vector<Work> rest{{0, 0, items.size(), 0}};
  while (!rest.empty()) {
    const Work work = rest.back();
    rest.pop_back();
    fill(work, items, rest);
  }
  nodes_.shrink_to_fit();
  text_.shrink_to_fit();
}

void PathIndex::fill(const Work& work, const std::vector<Builder::Item>& items, std::vector<Work>& rest) {
  size_t at = work.from;
  nodes_[work.node].entries = static_cast<uint32_t>(entries_.size());
  for (; at < work.to && items[at].literal.size() == work.depth; ++at) {
    Node& node = nodes_[work.node];
    uint32_t& count = items[at].kind == Kind::kExact    ? node.exact
                      : items[at].kind == Kind::kPrefix ? node.prefix
                                                        : node.separated;
    ++count;
    entries_.push_back(items[at].entry);
  }
  nodes_[work.node].children = static_cast<uint32_t>(nodes_.size());
  while (at < work.to) {
    const std::string& literal = items[at].literal;
    const char first = literal[work.depth];
    size_t end = at + 1;
    while (end < work.to && items[end].literal[work.depth] == first) ++end;
    // What the first and the last of sorted texts have in common, all between them have too.
    const std::string& last = items[end - 1].literal;
    size_t same = work.depth + 1;
    while (same < std::min(literal.size(), last.size()) && literal[same] == last[same]) ++same;
    Node child;
    child.edge = static_cast<uint32_t>(text_.size());
    child.edge_size = static_cast<uint32_t>(same - work.depth);
    child.first = static_cast<unsigned char>(first);
    text_.append(literal, work.depth, same - work.depth);
    rest.push_back({nodes_.size(), at, end, same});
    nodes_.push_back(child);
    ++nodes_[work.node].child_count;
    at = end;
  }
}

const PathIndex::Node* PathIndex::child(const Node& node, char first) const {
  const Node* const begin = nodes_.data() + node.children;
  const Node* const end = begin + node.child_count;
  const auto byte = static_cast<unsigned char>(first);
  const Node* const at = std::lower_bound(begin, end, byte, [](const Node& n, unsigned char c) { return n.first < c; });
  return at != end && at->first == byte ? at : nullptr;
}

void PathIndex::push(const Node& node, uint32_t at, uint32_t count, PathCandidates& candidates) const {
  candidates.push(entries_.data() + node.entries + at, count);
}

void PathIndex::collect(std::string_view path, PathCandidates& candidates) const {
  if (nodes_.empty()) return;
  const Node* node = nodes_.data();
  while (true) {
    push(*node, node->exact, node->prefix, candidates);
    if (path.empty()) push(*node, 0, node->exact, candidates);
    if (path.empty() || path[0] == '/') push(*node, node->exact + node->prefix, node->separated, candidates);
    if (path.empty()) return;
    const Node* const next = child(*node, path[0]);
    if (next == nullptr || !path.starts_with(std::string_view(text_).substr(next->edge, next->edge_size))) return;
    path.remove_prefix(next->edge_size);
    node = next;
  }
}

}  // namespace weir::proxy
