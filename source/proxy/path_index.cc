// Each node stands for the text on the way to it; an edge carries one or more bytes. Edges of a node differ in their
// first byte and are kept sorted by it.
#include "source/proxy/path_index.h"

#include <algorithm>

namespace weir::proxy {

struct PathIndex::Node {
  std::string edge;  // the bytes between the parent and this node
  std::vector<std::unique_ptr<Node>> children;
  std::vector<uint32_t> exact;
  std::vector<uint32_t> prefix;
  std::vector<uint32_t> separated;

  Node* child(char first) const {
    const auto at = std::lower_bound(children.begin(), children.end(), first,
                                     [](const std::unique_ptr<Node>& node, char c) { return node->edge[0] < c; });
    return at != children.end() && (*at)->edge[0] == first ? at->get() : nullptr;
  }

  Node& insert(std::unique_ptr<Node> node) {
    const auto at = std::lower_bound(children.begin(), children.end(), node->edge[0],
                                     [](const std::unique_ptr<Node>& n, char c) { return n->edge[0] < c; });
    return **children.insert(at, std::move(node));
  }

  // Ends this node after `length` bytes of its edge; the rest becomes its only child.
  void splitAt(size_t length) {
    auto rest = std::make_unique<Node>();
    rest->edge = edge.substr(length);
    rest->children = std::move(children);
    rest->exact = std::move(exact);
    rest->prefix = std::move(prefix);
    rest->separated = std::move(separated);
    edge.resize(length);
    children.clear();
    exact.clear();
    prefix.clear();
    separated.clear();
    children.push_back(std::move(rest));
  }
};

PathIndex::PathIndex() : root_(std::make_unique<Node>()) {}
PathIndex::~PathIndex() = default;
PathIndex::PathIndex(PathIndex&&) noexcept = default;
PathIndex& PathIndex::operator=(PathIndex&&) noexcept = default;

PathIndex::Node& PathIndex::nodeFor(std::string_view literal) {
  Node* node = root_.get();
  while (!literal.empty()) {
    Node* next = node->child(literal[0]);
    if (next == nullptr) {
      auto leaf = std::make_unique<Node>();
      leaf->edge = std::string(literal);
      return node->insert(std::move(leaf));
    }
    const size_t limit = std::min(literal.size(), next->edge.size());
    size_t same = 1;
    while (same < limit && literal[same] == next->edge[same]) ++same;
    if (same < next->edge.size()) next->splitAt(same);
    node = next;
    literal.remove_prefix(same);
  }
  return *node;
}

void PathIndex::add(std::string_view literal, Kind kind, uint32_t entry) {
  Node& node = nodeFor(literal);
  switch (kind) {
    case Kind::kExact:
      node.exact.push_back(entry);
      break;
    case Kind::kPrefix:
      node.prefix.push_back(entry);
      break;
    case Kind::kSeparatedPrefix:
      node.separated.push_back(entry);
      break;
  }
}

void PathIndex::addForAll(uint32_t entry) { for_all_.push_back(entry); }

void PathIndex::collect(std::string_view path, Lists& lists) const {
  lists.push(for_all_);
  const Node* node = root_.get();
  while (true) {
    lists.push(node->prefix);
    if (path.empty()) {
      lists.push(node->exact);
      lists.push(node->separated);
      return;
    }
    if (path[0] == '/') lists.push(node->separated);
    const Node* next = node->child(path[0]);
    if (next == nullptr || !path.starts_with(next->edge)) return;
    path.remove_prefix(next->edge.size());
    node = next;
  }
}

void PathIndex::Lists::push(const std::vector<uint32_t>& list) {
  if (list.empty()) return;
  const Cursor cursor{list.data(), list.data() + list.size()};
  if (inline_count_ < kInline) {
    inline_[inline_count_++] = cursor;
  } else {
    more_.push_back(cursor);
  }
}

bool PathIndex::Lists::next(uint32_t& entry) {
  Cursor* best = nullptr;
  for (size_t i = 0; i < inline_count_; ++i) {
    Cursor& cursor = inline_[i];
    if (cursor.at != cursor.end && (best == nullptr || *cursor.at < *best->at)) best = &cursor;
  }
  for (Cursor& cursor : more_) {
    if (cursor.at != cursor.end && (best == nullptr || *cursor.at < *best->at)) best = &cursor;
  }
  if (best == nullptr) return false;
  entry = *best->at++;
  return true;
}

}  // namespace weir::proxy
