// From the listener filters of a Listener message to those that look at connections before a filter chain is chosen.
// Main thread, at load; called by compileListener().
#pragma once

#include <string_view>

#include "source/base/diagnostics.h"
#include "source/extensions/registry.h"
#include "source/proxy/listener/pending_connection.h"
#include "source/stats/stats.h"

namespace envoy::config::listener::v3 {
class Listener;
}

namespace weir::server {

struct ListenerFilterScope {
  const extensions::Registry& extensions;
  stats::Registry& stats;
  std::string_view instance;  // what counters call the listener
  base::Diagnostics& diagnostics;
};

// Errors go to the diagnostics. Where filter chains match what only the tls_inspector finds and it is not named, it is
// added, with a warning. `path` is that of the listener.
proxy::ListenerFilters compileListenerFilters(const envoy::config::listener::v3::Listener& message,
                                              const ListenerFilterScope& scope, const base::FieldPath& path);

}  // namespace weir::server
