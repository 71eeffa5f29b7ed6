// WeightedDraw: turns one random number into one of n things in proportion to their weights, in constant time (Walker's
// alias method, as built by Vose, 1991). Immutable; two words for each thing. Parts of 2^-32 are the finest it knows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace weir::upstream::lb {

class WeightedDraw {
 public:
  // Weights of at least 0, not all of them 0, fewer than 2^32 of them; none at all gives an empty draw.
  explicit WeightedDraw(const std::vector<double>& weights);

  bool empty() const { return columns_.empty(); }
  size_t size() const { return columns_.size(); }
  // The position of the one that is drawn; not to be called when empty. Every bit of `random` matters.
  uint32_t draw(uint64_t random) const {
    const auto at = static_cast<uint32_t>(((random >> 32) * columns_.size()) >> 32);
    const Column& column = columns_[at];
    // By arithmetic: nobody can guess which of the two it is.
    const uint32_t own = -static_cast<uint32_t>(static_cast<uint32_t>(random) < column.own);
    return (at & own) | (column.other & ~own);
  }

 private:
  struct Column {
    uint32_t own;  // of 2^32, the part that is the column's own; what it lacks of all is the other's, or its own again
    uint32_t other;
  };
  std::vector<Column> columns_;
};

}  // namespace weir::upstream::lb
