#include "source/upstream/lb/pick_first.h"

#include <utility>

namespace weir::upstream::lb {

// Fisher and Yates.
std::vector<Candidate> PickFirst::shuffled(std::vector<Candidate> hosts, base::Random& random) {
  for (size_t i = hosts.size(); i > 1; --i) std::swap(hosts[i - 1], hosts[random.below(i)]);
  return hosts;
}

}  // namespace weir::upstream::lb
