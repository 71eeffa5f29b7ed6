// WeightedRandom: each pick draws a host in proportion to its weight.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "source/upstream/lb/policy.h"
#include "source/upstream/lb/weighted_draw.h"

namespace weir::upstream::lb {

// Candidates to draw from by weight.
class CandidateDraw {
 public:
  explicit CandidateDraw(const std::vector<Candidate>& hosts);
  bool empty() const { return hosts_.empty(); }
  size_t size() const { return hosts_.size(); }
  const Candidate& draw(base::Random& random) const { return hosts_[draw_.draw(random.next())]; }

 private:
  std::vector<Candidate> hosts_;
  WeightedDraw draw_;
};

class WeightedRandom final : public Policy {
 public:
  explicit WeightedRandom(const std::vector<Candidate>& hosts) : draw_(hosts) {}
  std::optional<uint32_t> pick(const PickInput& input) const override {
    if (draw_.empty()) return std::nullopt;
    return draw_.draw(input.random).host;
  }

 private:
  CandidateDraw draw_;
};

}  // namespace weir::upstream::lb
