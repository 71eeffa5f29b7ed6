// All metrics in the Prometheus text exposition format 0.0.4
// (https://prometheus.io/docs/instrumenting/exposition_formats/): grouped by metric under one # TYPE line each, sorted
// by metric and labels, histograms with _bucket, _sum and _count. Served as kPrometheusContentType.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "source/stats/registry.h"

namespace weir::stats {

inline constexpr std::string_view kPrometheusContentType = "text/plain; version=0.0.4; charset=utf-8";

// `samples` in any order.
std::string renderPrometheus(std::vector<Sample> samples);

}  // namespace weir::stats
