#include "source/proxy/routes/route_stats.h"

#include "absl/strings/str_cat.h"
#include "source/base/strings.h"

namespace weir::proxy {

RouteStats RouteStats::make(stats::Registry& registry, std::string_view host, std::string_view kind,
                            std::string_view name) {
  const std::string_view label = kind == "route" ? "envoy_route" : "envoy_virtual_cluster";
  const auto metric = [&](std::string_view what) {
    return absl::StrCat(base::av(kind), ".", base::av(name), ".", base::av(what));
  };
  const auto counter = [&](std::string_view what) {
    return registry.counter({"vhost", host, metric(what), label, name});
  };
  RouteStats stats;
  stats.rq_total = counter("upstream_rq_total");
  stats.rq_completed = counter("upstream_rq_completed");
  stats.rq_timeout = counter("upstream_rq_timeout");
  stats.rq_retry = counter("upstream_rq_retry");
  for (size_t i = 0; i < stats.rq_status.size(); ++i) {
    stats.rq_status[i] = counter(absl::StrCat("upstream_rq_", i + 1, "xx"));
  }
  stats.rq_time = registry.histogram({"vhost", host, metric("upstream_rq_time"), label, name});
  return stats;
}

void RouteStats::count(stats::Shard& shard, uint16_t status, uint32_t attempts, bool timeout,
                       absl::Duration took) const {
  shard.add(rq_total);
  if (timeout) shard.add(rq_timeout);
  if (attempts > 1) shard.add(rq_retry, attempts - 1);
  if (status < 100 || status >= 600) return;
  shard.add(rq_completed);
  shard.add(rq_status[status / 100 - 1]);
  shard.record(rq_time, static_cast<uint64_t>(absl::ToInt64Milliseconds(took)));
}

}  // namespace weir::proxy
