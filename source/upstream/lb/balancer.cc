#include "source/upstream/lb/balancer.h"

#include <utility>

#include "source/upstream/lb/least_request.h"
#include "source/upstream/lb/round_robin.h"
#include "source/upstream/lb/weighted_random.h"

namespace weir::upstream::lb {
namespace {

std::unique_ptr<const Policy> makePolicy(std::vector<Candidate> hosts, const Options& options) {
  switch (options.policy) {
    case PolicyKind::kLeastRequest:
      return std::make_unique<LeastRequest>(hosts, options.choice_count, options.active_request_bias);
    case PolicyKind::kRandom:
      return std::make_unique<WeightedRandom>(hosts);
    case PolicyKind::kRoundRobin:
      break;
  }
  return std::make_unique<RoundRobin>(std::move(hosts), 0);
}

}  // namespace

Balancer::Balancer(const std::vector<BalancerHost>& hosts, const Options& options) {
  std::vector<Candidate> healthy;
  for (const BalancerHost& host : hosts) {
    if (host.status != Status::kUnhealthy) healthy.push_back({host.slot, host.weight});
  }
  policy_ = makePolicy(std::move(healthy), options);
}

std::optional<uint32_t> Balancer::pick(const PickInput& input, const PickWish&) const { return policy_->pick(input); }

}  // namespace weir::upstream::lb
