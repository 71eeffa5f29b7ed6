// RoundRobin: one round after the other, in which each host comes as often as its weight says, evenly spread: its turns
// lie at the middles of equal parts of the round, as in earliest-deadline-first scheduling. Each worker walks at a
// place of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "source/upstream/lb/policy.h"

namespace weir::upstream::lb {

class RoundRobin final : public Policy {
 public:
  // Weights hold exactly over a round. Weights whose sum, divided by their common divisor, is above this and above the
  // number of hosts are scaled down to it.
  static constexpr size_t kMaxRound = 16384;

  // `cursor` is its own among the cursors of the pick.
  RoundRobin(std::vector<Candidate> hosts, size_t cursor);

  std::optional<uint32_t> pick(const PickInput& input) const override {
    if (round_.empty()) return std::nullopt;
    uint64_t& at = input.cursors[cursor_];
    at = at + 1 < round_.size() ? at + 1 : (at + 1) % round_.size();
    return round_[at];
  }

 private:
  std::vector<uint32_t> round_;
  size_t cursor_;
};

}  // namespace weir::upstream::lb
