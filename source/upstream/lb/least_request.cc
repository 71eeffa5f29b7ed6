#include "source/upstream/lb/least_request.h"

#include <algorithm>
#include <cmath>

namespace weir::upstream::lb {
namespace {

constexpr double kMostChoices = 64;

uint32_t choicesOf(uint32_t choices, double bias) {
  return static_cast<uint32_t>(std::min(kMostChoices, std::ceil(choices * std::max(1.0, bias))));
}

}  // namespace

LeastRequest::LeastRequest(const std::vector<Candidate>& hosts, uint32_t choices, double bias)
    : draw_(hosts),
      choices_(choicesOf(choices, bias)),
      compares_below_(bias >= 1.0 ? UINT64_MAX : static_cast<uint64_t>(bias * 0x1.0p64)) {}

std::optional<uint32_t> LeastRequest::pick(const PickInput& input) const {
  if (draw_.empty()) return std::nullopt;
  const Candidate* best = &draw_.draw(input.random);
  if (draw_.size() == 1) return best->host;
  if (compares_below_ != UINT64_MAX && input.random.next() >= compares_below_) return best->host;
  const std::vector<uint32_t>& outstanding = input.loads->outstanding;
  for (uint32_t i = 1; i < choices_; ++i) {
    const Candidate& other = draw_.draw(input.random);
    // outstanding / weight, compared without dividing.
    if (uint64_t{outstanding[other.host]} * best->weight < uint64_t{outstanding[best->host]} * other.weight) {
      best = &other;
    }
  }
  return best->host;
}

}  // namespace weir::upstream::lb
