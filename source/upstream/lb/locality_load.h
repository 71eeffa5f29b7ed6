// How a level's traffic is divided between its localities: by configured weights that shrink with their health
// (locality weighted), or by where the caller's own cluster stands (zone aware). Pure arithmetic; the first as Envoy
// documents it in a table ("Locality weighted load balancing"), the second from the aim it states ("Zone aware
// routing"): as much as possible stays in the zone while every upstream host gets the same.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace weir::upstream::lb {

struct LocalityHealth {
  uint32_t weight = 0;
  uint64_t available = 0;  // hosts that may be used
  uint64_t total = 0;
};

// weight * min(100, floor(factor * available / total)), by locality.
std::vector<uint64_t> localityWeights(const std::vector<LocalityHealth>& localities,
                                      uint32_t overprovisioning_percent = 140);

struct Zone {
  uint64_t local = 0;     // healthy hosts of the cluster that this proxy belongs to
  uint64_t upstream = 0;  // healthy hosts of the upstream cluster
};

// The part of this proxy's traffic that goes to each zone; the parts add up to 1. `own` is the proxy's zone. None when
// zone aware routing makes no sense: the upstream cluster has fewer than `min_cluster_size` hosts, or the own zone has
// no host of either cluster.
std::optional<std::vector<double>> zoneParts(const std::vector<Zone>& zones, size_t own, uint64_t min_cluster_size = 6);

}  // namespace weir::upstream::lb
