#include "source/upstream/lb/locality_load.h"

#include <algorithm>

namespace weir::upstream::lb {

std::vector<uint64_t> localityWeights(const std::vector<LocalityHealth>& localities,
                                      uint32_t overprovisioning_percent) {
  std::vector<uint64_t> out;
  for (const LocalityHealth& locality : localities) {
    const __uint128_t scaled = static_cast<__uint128_t>(locality.available) * overprovisioning_percent;
    const uint64_t percent =
        locality.total == 0 ? 0 : static_cast<uint64_t>(std::min<__uint128_t>(100, scaled / locality.total));
    out.push_back(locality.weight * percent);
  }
  return out;
}

std::optional<std::vector<double>> zoneParts(const std::vector<Zone>& zones, size_t own, uint64_t min_cluster_size) {
  double local = 0, upstream = 0;
  for (const Zone& zone : zones) {
    local += static_cast<double>(zone.local);
    upstream += static_cast<double>(zone.upstream);
  }
  if (own >= zones.size() || zones[own].local == 0 || zones[own].upstream == 0) return std::nullopt;
  if (upstream < static_cast<double>(min_cluster_size)) return std::nullopt;
  // What a zone has to give more than it takes itself. The zones that lack share it, in proportion.
  std::vector<double> spare;
  double spares = 0;
  for (const Zone& zone : zones) {
    const double gap = static_cast<double>(zone.upstream) / upstream - static_cast<double>(zone.local) / local;
    spare.push_back(std::max(0.0, gap));
    spares += spare.back();
  }
  std::vector<double> parts(zones.size(), 0);
  const double wanted = static_cast<double>(zones[own].local) / local;
  const double offered = static_cast<double>(zones[own].upstream) / upstream;
  parts[own] = std::min(1.0, offered / wanted);
  if (parts[own] >= 1.0 || spares <= 0) {
    parts[own] = 1.0;
    return parts;
  }
  for (size_t i = 0; i < zones.size(); ++i) parts[i] += (1.0 - offered / wanted) * spare[i] / spares;
  return parts;
}

}  // namespace weir::upstream::lb
