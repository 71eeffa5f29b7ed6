// RegexIndex: which of many regular expressions can match a path, without trying each. Expressions are grouped by the
// literal text that whatever they match begins with; a group that is met is one candidate per expression while it is
// small, and one RE2::Set, which runs all its expressions at once, when it is not. What it gives are candidates in
// ascending order, of which the caller still asks each expression. Built at load, immutable, shared by workers. A
// lookup allocates only where a large group is met.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/proxy/routes/path_index.h"

namespace re2 {
class RE2;
}

namespace weir::proxy {

class RegexIndex {
 public:
  // Above so many expressions, a group is run as a set.
  static constexpr size_t kSmallGroup = 8;

  class Builder {
   public:
    // `expression` must match the whole path. Entries come in ascending order.
    void add(std::string_view expression, uint32_t entry);
    RegexIndex build() &&;

   private:
    friend class RegexIndex;
    struct Item {
      std::string expression;
      uint32_t entry;
    };
    std::map<std::string, std::vector<Item>, std::less<>> groups_;  // by what they begin with
  };

  RegexIndex();
  ~RegexIndex();
  RegexIndex(RegexIndex&&) noexcept;
  RegexIndex& operator=(RegexIndex&&) noexcept;

  bool empty() const { return index_.empty(); }
  // Adds what the path meets; `storage` must live as long as `candidates`.
  void collect(std::string_view path, PathCandidates& candidates, std::vector<std::vector<uint32_t>>& storage) const;

 private:
  struct Group;
  void addGroup(const std::string& prefix, std::vector<Builder::Item> items, PathIndex::Builder& index);

  // Of the groups, by their prefixes.
  PathIndex index_;
  std::vector<std::unique_ptr<Group>> groups_;
};

// The longest text that whatever the expression matches as a whole is known to begin with.
std::string requiredPrefix(std::string_view expression);

}  // namespace weir::proxy
