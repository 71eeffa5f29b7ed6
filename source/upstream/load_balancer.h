// LoadBalancer: picks a host of a cluster in constant time, healthy ones only. One per worker and cluster, made by
// WorkerCluster; one thread; the configuration must outlive it.
//
// Weights hold exactly over one round of round robin (weights whose sum, divided by their common divisor, is above
// kMaxRound are scaled down to it), and on average for the other two. Least request compares what this worker alone has
// under way.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "source/base/random.h"
#include "source/upstream/cluster.h"

namespace weir::upstream {

class LoadBalancer {
 public:
  static constexpr size_t kMaxRound = 16384;

  virtual ~LoadBalancer() = default;
  // The index of a healthy host, or none when there is no healthy one.
  virtual std::optional<uint32_t> pick(base::Random& random) = 0;
};

// `outstanding`, by host, is what least request compares; it must outlive the balancer. `random` gives the place where
// a round begins, so that workers do not walk in step.
std::unique_ptr<LoadBalancer> makeLoadBalancer(const ClusterConfig& config, const std::vector<uint32_t>& outstanding,
                                               base::Random& random);

}  // namespace weir::upstream
