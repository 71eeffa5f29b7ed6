// Balancer: everything that decides which host of a cluster a request goes to, over one list of hosts. Made with its
// HostSet on the main thread, immutable, shared by workers; what moves comes with the pick (PickInput).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "source/upstream/lb/options.h"
#include "source/upstream/lb/policy.h"
#include "source/upstream/lb/subset_index.h"

namespace weir::upstream::lb {

enum class Status : uint8_t { kHealthy, kDegraded, kUnhealthy };

struct BalancerHost {
  uint32_t slot = 0;
  uint32_t weight = 1;  // 1 at least
  Status status = Status::kHealthy;
};

// What a request may ask of the balancer, beyond the numbers of PickInput.
struct PickWish {
  const SubsetIndex::Wish* subset = nullptr;      // null: none
  std::span<const uint32_t> priority_loads = {};  // percent by priority; empty: the cluster's own
};

class Balancer {
 public:
  Balancer(const std::vector<BalancerHost>& hosts, const Options& options);

  // A slot, or none when there is no host to use. Cursors: cursors() of them.
  std::optional<uint32_t> pick(const PickInput& input, const PickWish& wish) const;
  // How many places of rounds a worker must keep for it.
  size_t cursors() const { return 1; }

 private:
  std::unique_ptr<const Policy> policy_;
};

}  // namespace weir::upstream::lb
