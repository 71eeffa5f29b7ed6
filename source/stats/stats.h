// What the folders above need to count: names and ids at load (Registry, Name), and the numbers of a worker (Shard,
// CounterId, GaugeId, HistogramId). Only the admin endpoint includes more: the renderers.
//
//   load:    const stats::CounterId id = registry.counter({"cluster", "backend", "upstream_rq_total"});
//   serving: context.stats.add(id);
#pragma once

#include "source/stats/name.h"      // IWYU pragma: export
#include "source/stats/registry.h"  // IWYU pragma: export
#include "source/stats/shard.h"     // IWYU pragma: export
