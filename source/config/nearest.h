// nearest: the name a person most likely meant. Used while an error is worded, never on a path that matters for speed.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace weir::config {

// The number of insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`, upper and lower
// case being the same (Damerau-Levenshtein, optimal string alignment).
size_t editDistance(std::string_view a, std::string_view b);

// The candidate with the smallest distance, the first of equals; empty when none is within a third of the name's
// length (at least 1) and within `most`. The view is one of `candidates`.
std::string_view nearest(std::string_view name, const std::vector<std::string_view>& candidates,
                         size_t most = static_cast<size_t>(-1));

}  // namespace weir::config
