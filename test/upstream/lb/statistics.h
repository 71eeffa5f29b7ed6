// What the tests of distributions measure with.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace weir::upstream::lb {

// Pearson's statistic: the sum over hosts of (seen - expected)^2 / expected, where what is expected is in proportion to
// `weights`. Its degrees of freedom are one less than there are hosts of weight above 0; of those of weight 0, a single
// pick makes it infinite.
inline double chiSquare(const std::vector<uint64_t>& seen, const std::vector<double>& weights) {
  double total = 0, sum = 0, result = 0;
  for (const uint64_t count : seen) total += static_cast<double>(count);
  for (const double weight : weights) sum += weight;
  for (size_t i = 0; i < seen.size(); ++i) {
    const double expected = total * weights[i] / sum;
    const double difference = static_cast<double>(seen[i]) - expected;
    if (difference != 0) result += difference * difference / expected;
  }
  return result;
}

// What a right distribution is above once in a thousand seeds (those of the tests are fixed): the upper 0.1 % point of
// the chi-square distribution, by the approximation of Wilson and Hilferty (1931), good to 1 % from two degrees on.
inline double critical(size_t degrees) {
  const double k = static_cast<double>(degrees);
  return k * std::pow(1 - 2 / (9 * k) + 3.0902 * std::sqrt(2 / (9 * k)), 3);
}

}  // namespace weir::upstream::lb
