// LeastRequest: the best of a few hosts (Mitzenmacher's power of two choices). Candidates are drawn by weight and
// compared by what this worker has under way for their weight, so that an idle cluster gets traffic by weight, and a
// slow host less.
//
// active_request_bias says how much what is under way counts: with 1 it decides, with 0 not at all (weights alone), and
// between them it decides in that part of the picks; above 1 so many times more candidates are compared.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "source/upstream/lb/policy.h"
#include "source/upstream/lb/weighted_random.h"

namespace weir::upstream::lb {

class LeastRequest final : public Policy {
 public:
  // `choices`: 2 or more. `bias`: 0 or more.
  LeastRequest(const std::vector<Candidate>& hosts, uint32_t choices, double bias = 1.0);
  std::optional<uint32_t> pick(const PickInput& input) const override;

 private:
  CandidateDraw draw_;
  uint32_t choices_;
  uint64_t compares_below_;  // of a random number; all of them: always
};

}  // namespace weir::upstream::lb
