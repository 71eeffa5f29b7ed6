// The plugin filter: an HTTP filter in a shared object (source/extensions/plugins), configured as any other.
#pragma once

#include "source/extensions/plugins/catalogue.h"
#include "source/filter/http_filter_factory.h"

namespace weir::extensions::plugin_filter {

// The catalogue outlives every configuration that is made.
filter::HttpFilterType pluginType(plugins::Catalogue& catalogue);

}  // namespace weir::extensions::plugin_filter
