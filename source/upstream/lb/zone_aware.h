// Zone aware routing: as much of a level's traffic as possible stays in the proxy's own locality, while every host of
// the upstream cluster gets the same, if all proxies of the own cluster do so (the arithmetic is zoneParts() of
// locality_load.h). LocalZones says where the own cluster stands; ZoneAware is the policy over the localities of one
// level. Immutable; made on the main thread with the HostSet.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "source/upstream/lb/policy.h"
#include "source/upstream/lb/weighted_draw.h"

namespace weir::upstream::lb {

// As configured; the defaults are those of the xDS API.
struct ZoneOptions {
  double routing_enabled = 100;               // percent of the requests that are routed by locality
  uint64_t min_cluster_size = 6;              // of healthy hosts; below it there is no routing by locality
  std::optional<uint64_t> force_local_above;  // with so many healthy hosts the own locality gets everything
};

// The cluster that this proxy belongs to, by the numbers that BalancerHost::locality has.
struct LocalZones {
  uint32_t own = 0;             // the proxy's locality
  std::vector<uint64_t> hosts;  // healthy ones, by locality
  bool panics = false;          // too few of its hosts are healthy to believe in what they say
};

// Whether, and why not, a level is routed by locality.
enum class ZoneState : uint8_t {
  kOff,              // not configured, or there is one locality only
  kLocalNotOk,       // the own cluster is not known, has no healthy host in the own locality, or panics
  kClusterTooSmall,  // fewer healthy hosts than min_cluster_size
  kNoLocalHosts,     // the upstream cluster has none in the own locality
  kDirect,           // everything stays
  kResidual,         // a part stays
};

// Healthy hosts of the upstream cluster by locality, in any order; `parts` has the share of each.
struct ZonePlan {
  ZoneState state = ZoneState::kOff;
  std::vector<double> parts;
};
struct ZoneHosts {
  uint32_t locality = 0;
  uint64_t healthy = 0;
};
// `local` is null when nothing is known of the own cluster.
ZonePlan planZones(const std::vector<ZoneHosts>& upstream, const LocalZones* local, const ZoneOptions& options);

class ZoneAware final : public Policy {
 public:
  struct Part {
    double weight;
    bool own;
    std::unique_ptr<const Policy> policy;
  };

  // `anywhere` takes what routing_enabled leaves; null when that is nothing.
  ZoneAware(std::vector<Part> parts, double enabled_percent, std::unique_ptr<const Policy> anywhere);

  std::optional<uint32_t> pick(const PickInput& input) const override;

 private:
  std::vector<Part> parts_;
  WeightedDraw draw_;
  double enabled_;  // of 1
  std::unique_ptr<const Policy> anywhere_;
  bool direct_;  // all goes to one part
};

}  // namespace weir::upstream::lb
