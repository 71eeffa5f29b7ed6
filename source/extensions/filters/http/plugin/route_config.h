// RouteConfig: what a route says about a plugin filter. Made at load; belongs to the route.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "source/extensions/plugins/plugin.h"
#include "source/filter/http_filter.h"

namespace weir::extensions::plugin_filter {

struct RouteConfig final : filter::RouteFilterConfig {
  std::unique_ptr<plugins::RoutePlugin> route;
  std::optional<size_t> max_body_bytes;
};

}  // namespace weir::extensions::plugin_filter
