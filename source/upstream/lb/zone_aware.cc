#include "source/upstream/lb/zone_aware.h"

#include <algorithm>
#include <utility>

#include "source/upstream/lb/locality_load.h"

namespace weir::upstream::lb {
namespace {

std::vector<double> weightsOf(const std::vector<ZoneAware::Part>& parts) {
  std::vector<double> out;
  out.reserve(parts.size());
  for (const ZoneAware::Part& part : parts) out.push_back(part.weight);
  return out;
}

// Those of the own cluster's localities in which the upstream cluster has no host come behind all others.
std::vector<Zone> zonesOf(const std::vector<ZoneHosts>& upstream, const LocalZones& local) {
  std::vector<Zone> zones;
  std::vector<bool> met(local.hosts.size(), false);
  for (const ZoneHosts& hosts : upstream) {
    const bool known = hosts.locality < local.hosts.size();
    zones.push_back({known ? local.hosts[hosts.locality] : 0, hosts.healthy});
    if (known) met[hosts.locality] = true;
  }
  for (size_t i = 0; i < met.size(); ++i) {
    if (!met[i] && local.hosts[i] > 0) zones.push_back({local.hosts[i], 0});
  }
  return zones;
}

}  // namespace

ZonePlan planZones(const std::vector<ZoneHosts>& upstream, const LocalZones* local, const ZoneOptions& options) {
  uint64_t healthy = 0;
  for (const ZoneHosts& hosts : upstream) healthy += hosts.healthy;
  if (upstream.size() < 2) return {ZoneState::kOff, {}};
  if (local == nullptr || local->panics || local->own >= local->hosts.size() || local->hosts[local->own] == 0) {
    return {ZoneState::kLocalNotOk, {}};
  }
  const auto own = std::find_if(upstream.begin(), upstream.end(),
                                [&](const ZoneHosts& hosts) { return hosts.locality == local->own; });
  if (own == upstream.end() || own->healthy == 0) return {ZoneState::kNoLocalHosts, {}};
  if (healthy < options.min_cluster_size) return {ZoneState::kClusterTooSmall, {}};
  const auto at = static_cast<size_t>(own - upstream.begin());
  ZonePlan plan;
  if (options.force_local_above.has_value() && own->healthy >= *options.force_local_above) {
    plan.parts.assign(upstream.size(), 0);
    plan.parts[at] = 1;
  } else {
    plan.parts = *zoneParts(zonesOf(upstream, *local), at, 0);
    plan.parts.resize(upstream.size());
  }
  plan.state = plan.parts[at] >= 1 ? ZoneState::kDirect : ZoneState::kResidual;
  return plan;
}

ZoneAware::ZoneAware(std::vector<Part> parts, double enabled_percent, std::unique_ptr<const Policy> anywhere)
    : parts_(std::move(parts)),
      draw_(weightsOf(parts_)),
      enabled_(enabled_percent / 100),
      anywhere_(std::move(anywhere)),
      direct_(
          std::any_of(parts_.begin(), parts_.end(), [](const Part& part) { return part.own && part.weight >= 1; })) {}

std::optional<uint32_t> ZoneAware::pick(const PickInput& input) const {
  if (anywhere_ != nullptr) {
    const double point = static_cast<double>(input.random.next() >> 11) * 0x1.0p-53;
    if (point >= enabled_) return anywhere_->pick(input);
  }
  const Part& part = parts_[draw_.draw(input.random.next())];
  if (input.notes != nullptr) {
    input.notes->zone = direct_    ? PickNotes::Zone::kAllDirectly
                        : part.own ? PickNotes::Zone::kSampled
                                   : PickNotes::Zone::kCrossZone;
  }
  return part.policy->pick(input);
}

}  // namespace weir::upstream::lb
