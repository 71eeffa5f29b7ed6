// Candidates of tests: host i has the key "10.0.0.i:80".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "source/upstream/lb/ring_hash.h"

namespace weir::upstream::lb {

inline std::vector<KeyedCandidate> keyed(const std::vector<uint32_t>& weights) {
  std::vector<KeyedCandidate> out;
  for (uint32_t i = 0; i < weights.size(); ++i) {
    out.push_back({{i, weights[i]}, "10.0.0." + std::to_string(i) + ":80"});
  }
  return out;
}

inline std::vector<Candidate> candidates(const std::vector<uint32_t>& weights) {
  std::vector<Candidate> out;
  for (uint32_t i = 0; i < weights.size(); ++i) out.push_back({i, weights[i]});
  return out;
}

// All of `hosts` but the one at `position`.
inline std::vector<KeyedCandidate> without(std::vector<KeyedCandidate> hosts, size_t position) {
  hosts.erase(hosts.begin() + static_cast<std::ptrdiff_t>(position));
  return hosts;
}

}  // namespace weir::upstream::lb
