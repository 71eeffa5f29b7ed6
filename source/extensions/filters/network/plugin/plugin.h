// The network plugin filter: a network filter in a shared object (source/extensions/plugins).
#pragma once

#include "source/extensions/plugins/catalogue.h"
#include "source/filter/network_filter_factory.h"

namespace weir::extensions::network_plugin {

// The catalogue outlives every configuration that is made.
filter::NetworkFilterType pluginType(plugins::Catalogue& catalogue);

}  // namespace weir::extensions::network_plugin
