#include "source/upstream/lb/round_robin.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace weir::upstream::lb {
namespace {

// Weights as small whole numbers: divided by what they have in common, then, if a round would still be too long, scaled
// down to about that, each at least 1.
void reduceWeights(std::vector<Candidate>& hosts) {
  uint32_t divisor = 0;
  uint64_t sum = 0;
  for (const Candidate& host : hosts) divisor = std::gcd(divisor, host.weight);
  for (Candidate& host : hosts) sum += host.weight /= std::max(divisor, 1u);
  const size_t longest = std::max(RoundRobin::kMaxRound, hosts.size());
  if (sum <= longest) return;
  const double scale = static_cast<double>(longest) / static_cast<double>(sum);
  for (Candidate& host : hosts) host.weight = std::max(1u, static_cast<uint32_t>(std::lround(host.weight * scale)));
}

}  // namespace

RoundRobin::RoundRobin(std::vector<Candidate> hosts, size_t cursor) : cursor_(cursor) {
  reduceWeights(hosts);
  const bool even = std::all_of(hosts.begin(), hosts.end(), [](const Candidate& host) { return host.weight == 1; });
  if (even) {
    round_.reserve(hosts.size());
    for (const Candidate& host : hosts) round_.push_back(host.host);
    return;
  }
  std::vector<std::pair<double, uint32_t>> turns;
  for (const Candidate& host : hosts) {
    for (uint32_t k = 0; k < host.weight; ++k) turns.push_back({(k + 0.5) / host.weight, host.host});
  }
  std::sort(turns.begin(), turns.end());
  round_.reserve(turns.size());
  for (const auto& turn : turns) round_.push_back(turn.second);
}

}  // namespace weir::upstream::lb
