// timedFactory(): the same filter with a watch around it. The filter that its factory makes stands behind another one,
// which reads the clock before and after each hook, and from a Wait to its answer, and adds what passed to the
// exchange's FilterTime of that name. Made at load for the filters that a log of the chain asks for, and for no others:
// a chain without it has not one instruction more.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "source/filter/http_filter_factory.h"
#include "source/stats/stats.h"

namespace weir::filter {

// Never null; `factory` must not be. `name` is that of the slot.
std::unique_ptr<HttpFilterFactory> timedFactory(std::unique_ptr<HttpFilterFactory> factory, std::string name,
                                                std::optional<stats::HistogramId> histogram);

}  // namespace weir::filter
