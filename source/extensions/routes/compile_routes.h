// From a RouteConfiguration to a RouteTable. Called at load on the main thread; every error goes to the diagnostics
// under the path of the field it is about, and the table is still returned as far as it goes, so that all errors of a
// configuration are found in one run.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "source/base/clock.h"
#include "source/base/diagnostics.h"
#include "source/filter/http_chain.h"
#include "source/filter/http_filter_factory.h"
#include "source/proxy/routes/route_table.h"

namespace envoy::config::route::v3 {
class RouteConfiguration;
}

namespace weir::extensions {

struct RouteContext {
  stats::Registry& stats;
  base::Diagnostics& diagnostics;
  const base::Clock& clock;
  const filter::HttpFilterRegistry& http_filters;
  // The chain that the routes configure, and the type of the filter in each of its slots.
  const filter::HttpChainConfig& chain;
  const std::vector<const filter::HttpFilterType*>& slot_types;
  std::string_view stat_prefix;
  const std::function<std::string(std::string_view)>& cluster_problem;  // as in filter::FactoryContext
  bool schema_only = false;
};

// `path` is that of the message. Never null.
std::unique_ptr<const proxy::RouteTable> compileRoutes(const envoy::config::route::v3::RouteConfiguration& message,
                                                       const RouteContext& context, const base::FieldPath& path);

}  // namespace weir::extensions
