// Balancer: everything that decides which host of a cluster a request goes to, over one list of hosts: the subset that
// the request wants, the level of priority, the locality, the policy. Made with its HostSet on the main thread,
// immutable, shared by workers; what moves comes with the pick (PickInput).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "source/upstream/lb/options.h"
#include "source/upstream/lb/policy.h"
#include "source/upstream/lb/spread.h"
#include "source/upstream/lb/subset_index.h"

namespace weir::upstream::lb {

// What a request may ask of the balancer, beyond the numbers of PickInput.
struct PickWish {
  const SubsetIndex::Wish* subset = nullptr;      // null: none
  std::span<const uint32_t> priority_loads = {};  // percent by priority; empty: the cluster's own
};

class Balancer {
 public:
  // `local`: see Spread.
  Balancer(const std::vector<BalancerHost>& hosts, const Options& options, const LocalZones* local = nullptr);

  // A slot, or none when there is no host to use. Cursors: cursors() of them.
  std::optional<uint32_t> pick(const PickInput& input, const PickWish& wish) const;
  // How many places of rounds a worker must keep for it.
  size_t cursors() const { return cursors_; }
  // Of the whole list.
  const PriorityLoads& loads() const { return whole_->loads(); }
  ZoneState zoneState() const { return whole_->zoneState(); }
  size_t subsets() const { return subsets_ == nullptr ? 0 : subsets_->index.subsets(); }

 private:
  struct Subsets {
    explicit Subsets(const std::vector<BalancerHost>& hosts, const SubsetIndex::Options& options);
    SubsetIndex index;
    absl::flat_hash_map<const std::vector<uint32_t>*, std::unique_ptr<const Spread>> spreads;
  };

  size_t cursors_ = 0;
  std::unique_ptr<const Spread> whole_;
  std::unique_ptr<Subsets> subsets_;  // null: the cluster has none
};

}  // namespace weir::upstream::lb
