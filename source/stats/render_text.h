// The plain text form of all metrics, one line each, sorted by name:
//
//   cluster.backend.upstream_rq_total: 12
//   cluster.backend.upstream_rq_time: P0(1) P25(1) P50(2) P75(3) P90(9) P95(9) P99(12) P99.9(12) P100(12)
//   cluster.idle.upstream_rq_time: No recorded values
#pragma once

#include <string>
#include <vector>

#include "source/stats/registry.h"

namespace weir::stats {

// `samples` as Registry::read() gives them.
std::string renderText(const std::vector<Sample>& samples);

}  // namespace weir::stats
