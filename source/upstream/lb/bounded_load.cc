#include "source/upstream/lb/bounded_load.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace weir::upstream::lb {

BoundedLoad::BoundedLoad(std::unique_ptr<const Policy> inner, std::vector<Candidate> hosts, uint32_t factor_percent)
    : inner_(std::move(inner)), hosts_(std::move(hosts)) {
  double sum = 0;
  uint32_t slots = 0;
  for (const Candidate& host : hosts_) {
    sum += host.weight;
    slots = std::max(slots, host.host + 1);
  }
  parts_.resize(slots, 0);
  for (const Candidate& host : hosts_) parts_[host.host] = factor_percent * (host.weight / sum) / 100;
}

uint64_t BoundedLoad::capacity(uint32_t host, const HostLoads& loads) const {
  return static_cast<uint64_t>(std::ceil(parts_[host] * static_cast<double>(loads.total + 1)));
}

std::optional<uint32_t> BoundedLoad::pick(const PickInput& input) const {
  PickInput jump = input;
  jump.hash = pickHash(input);
  for (jump.attempt = 0; jump.attempt < kJumps; ++jump.attempt) {
    const std::optional<uint32_t> host = inner_->pick(jump);
    if (!host.has_value() || hasRoom(*host, *input.loads)) return host;
  }
  // Capacities add up to more than what is under way, so that one of the hosts has room, but for requests to hosts
  // that are no longer candidates; then the first choice stands.
  const size_t start = static_cast<size_t>(mixHash(*jump.hash) % hosts_.size());
  for (size_t i = 0; i < hosts_.size(); ++i) {
    const uint32_t host = hosts_[(start + i) % hosts_.size()].host;
    if (hasRoom(host, *input.loads)) return host;
  }
  jump.attempt = 0;
  return inner_->pick(jump);
}

}  // namespace weir::upstream::lb
