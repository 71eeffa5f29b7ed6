// PathIndex: which entries of an ordered list can match a path. A radix tree over the literals (exact paths, prefixes,
// path-separated prefixes); its lookup walks the path once, whatever the number of entries, and yields each candidate
// in the order of the list, so that the first one that also meets its other conditions is the first match. Entries
// without a literal (regular expressions) are candidates for every path. Built at load, immutable afterwards.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace weir::proxy {

class PathIndex {
 public:
  enum class Kind : uint8_t { kExact, kPrefix, kSeparatedPrefix };

  PathIndex();
  ~PathIndex();
  PathIndex(PathIndex&&) noexcept;
  PathIndex& operator=(PathIndex&&) noexcept;

  // `entry` must grow from call to call.
  void add(std::string_view literal, Kind kind, uint32_t entry);
  void addForAll(uint32_t entry);

  // Calls accept(entry) for each candidate in ascending order until it returns true.
  template <typename Accept>
  void forEachCandidate(std::string_view path, Accept&& accept) const {
    Lists lists;
    collect(path, lists);
    uint32_t entry;
    while (lists.next(entry)) {
      if (accept(entry)) return;
    }
  }

 private:
  struct Node;
  // The sorted candidate lists that a walk has met; next() merges them.
  class Lists {
   public:
    void push(const std::vector<uint32_t>& list);
    bool next(uint32_t& entry);

   private:
    struct Cursor {
      const uint32_t* at;
      const uint32_t* end;
    };
    static constexpr size_t kInline = 24;
    Cursor inline_[kInline];
    size_t inline_count_ = 0;
    std::vector<Cursor> more_;  // deeper paths than most
  };
  void collect(std::string_view path, Lists& lists) const;
  Node& nodeFor(std::string_view literal);

  std::unique_ptr<Node> root_;
  std::vector<uint32_t> for_all_;
};

}  // namespace weir::proxy
