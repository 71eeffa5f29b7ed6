#include "source/server/plugin_watch.h"

namespace weir::server {
namespace {

// A change is taken once the file looks the same twice.
constexpr absl::Duration kInterval = absl::Milliseconds(400);

}  // namespace

PluginWatch::PluginWatch(event::Dispatcher& dispatcher, extensions::plugins::Catalogue& plugins)
    : plugins_(plugins), timer_(dispatcher, *this) {
  if (!plugins_.empty()) timer_.arm(kInterval);
}

void PluginWatch::onTimer(event::Timer&) {
  plugins_.refresh();
  timer_.arm(kInterval);
}

}  // namespace weir::server
