#include "source/upstream/lb/balancer.h"

#include <numeric>
#include <utility>

namespace weir::upstream::lb {
namespace {

std::vector<Metadata> metadataOf(const std::vector<BalancerHost>& hosts) {
  std::vector<Metadata> out;
  out.reserve(hosts.size());
  for (const BalancerHost& host : hosts) out.push_back(host.metadata == nullptr ? Metadata{} : *host.metadata);
  return out;
}

}  // namespace

Balancer::Subsets::Subsets(const std::vector<BalancerHost>& hosts, const SubsetIndex::Options& options)
    : index(metadataOf(hosts), options) {}

Balancer::Balancer(const std::vector<BalancerHost>& hosts, const Options& options, const LocalZones* local) {
  std::vector<uint32_t> everyone(hosts.size());
  std::iota(everyone.begin(), everyone.end(), 0u);
  whole_ = std::make_unique<const Spread>(hosts, everyone, options, local, cursors_);
  if (options.subsets == nullptr) return;
  subsets_ = std::make_unique<Subsets>(hosts, *options.subsets);
  subsets_->index.forEach([&](const std::vector<uint32_t>& members) {
    subsets_->spreads.emplace(&members, std::make_unique<const Spread>(hosts, members, options, local, cursors_));
  });
}

std::optional<uint32_t> Balancer::pick(const PickInput& input, const PickWish& wish) const {
  if (subsets_ == nullptr) return whole_->pick(input, wish.priority_loads);
  const std::vector<uint32_t>& members =
      wish.subset == nullptr ? subsets_->index.fallback() : subsets_->index.find(*wish.subset);
  return subsets_->spreads.find(&members)->second->pick(input, wish.priority_loads);
}

}  // namespace weir::upstream::lb
