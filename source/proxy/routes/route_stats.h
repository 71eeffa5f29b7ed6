// RouteStats: the counters of some requests of a virtual host: those of a virtual cluster ("vhost.<host>.vcluster.
// <name>.") or of a route with a stat_prefix ("vhost.<host>.route.<prefix>."). Plain values, resolved to ids at load,
// shared by workers.
#pragma once

#include <array>
#include <string_view>

#include "absl/time/time.h"
#include "source/stats/stats.h"

namespace weir::proxy {

struct RouteStats {
  // `kind` is "vcluster" or "route".
  static RouteStats make(stats::Registry& registry, std::string_view host, std::string_view kind,
                         std::string_view name);

  stats::CounterId rq_total, rq_completed, rq_timeout, rq_retry;
  std::array<stats::CounterId, 5> rq_status;  // 1xx to 5xx
  stats::HistogramId rq_time;

  // Once per request that was sent on, or was to be. `status` 0: it ended without one.
  void count(stats::Shard& shard, uint16_t status, uint32_t attempts, bool timeout, absl::Duration took) const;
};

}  // namespace weir::proxy
