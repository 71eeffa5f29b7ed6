#include "source/upstream/lb/weighted_random.h"

namespace weir::upstream::lb {
namespace {

std::vector<double> weightsOf(const std::vector<Candidate>& hosts) {
  std::vector<double> out;
  out.reserve(hosts.size());
  for (const Candidate& host : hosts) out.push_back(host.weight);
  return out;
}

}  // namespace

CandidateDraw::CandidateDraw(const std::vector<Candidate>& hosts) : hosts_(hosts), draw_(weightsOf(hosts)) {}

}  // namespace weir::upstream::lb
