// All metrics as JSON, in the shape that Envoy's admin endpoint has. Weir keeps no interval values, so each
// "interval" is null; so is each "cumulative" of a histogram without values. Sorted by name, histograms last:
//
//   {"stats":[{"name":"a","value":1},...,{"histograms":{"supported_quantiles":[0,25,...],
//     "computed_quantiles":[{"name":"h","values":[{"interval":null,"cumulative":3},...]},...]}}]}
#pragma once

#include <string>
#include <vector>

#include "source/stats/registry.h"

namespace weir::stats {

// `samples` as Registry::read() gives them.
std::string renderJson(const std::vector<Sample>& samples);

}  // namespace weir::stats
