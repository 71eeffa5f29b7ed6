// PathIndex: which entries of an ordered list can match a path. A radix tree over literals (exact paths, prefixes,
// path-separated prefixes); its lookup walks the path once, whatever the number of entries. Built at load by its
// Builder, immutable afterwards and shared by workers; flat, some 40 bytes for an entry besides its text.
// PathCandidates: the sorted lists that such walks have met, merged: gives each candidate in the order of the list, so
// that the first one that also meets its other conditions is the first match. On the stack of one lookup.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir::proxy {

class PathCandidates {
 public:
  // The list is ascending and outlives this object.
  void push(const uint32_t* list, size_t size);
  // The next entry in ascending order; false when there is none.
  bool next(uint32_t& entry);

 private:
  struct Cursor {
    const uint32_t* at;
    const uint32_t* end;
  };
  static constexpr size_t kInline = 16;
  Cursor inline_[kInline];
  size_t inline_count_ = 0;
  std::vector<Cursor> more_;  // of deeper paths than most
};

class PathIndex {
 public:
  enum class Kind : uint8_t { kExact, kPrefix, kSeparatedPrefix };

  class Builder {
   public:
    // `literal` is copied.
    void add(std::string_view literal, Kind kind, uint32_t entry);
    PathIndex build() &&;

   private:
    friend class PathIndex;
    struct Item {
      std::string literal;
      Kind kind;
      uint32_t entry;
    };
    std::vector<Item> items_;
  };

  PathIndex() = default;

  bool empty() const { return nodes_.empty(); }
  // Adds the lists that `path` meets.
  void collect(std::string_view path, PathCandidates& candidates) const;

 private:
  // Stands for the text on the way to it. Its children are next to each other, sorted by their first byte; its entries
  // are next to each other, first the exact ones, then the prefixes, then the separated prefixes.
  struct Node {
    uint32_t edge = 0;  // where the bytes between the parent and this node begin
    uint32_t edge_size = 0;
    uint32_t children = 0;
    uint16_t child_count = 0;
    unsigned char first = 0;  // of the edge
    uint32_t entries = 0;
    uint32_t exact = 0, prefix = 0, separated = 0;
  };

  // Items [from, to) are sorted and begin with the same `depth` bytes, which lead to `node`.
  struct Work {
    size_t node, from, to, depth;
  };
  explicit PathIndex(std::vector<Builder::Item> items);
  void fill(const Work& work, const std::vector<Builder::Item>& items, std::vector<Work>& rest);
  const Node* child(const Node& node, char first) const;
  void push(const Node& node, uint32_t at, uint32_t count, PathCandidates& candidates) const;

  std::vector<Node> nodes_;  // the first is the root
  std::vector<uint32_t> entries_;
  std::string text_;
};

}  // namespace weir::proxy
