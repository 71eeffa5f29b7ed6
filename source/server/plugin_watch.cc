#include "source/server/plugin_watch.h"

namespace weir::server {
namespace {

// A change is taken once the file looks the same twice.
constexpr absl::Duration kInterval = absl::Milliseconds(100);
constexpr absl::Duration kUnwatchedInterval = absl::Milliseconds(400);

}  // namespace

PluginWatch::PluginWatch(event::Dispatcher& dispatcher, event::FileWatcher* watcher,
                         extensions::plugins::Catalogue& plugins)
    : plugins_(plugins), timer_(dispatcher, *this) {
  const std::vector<std::string> files = plugins_.watchedFiles();
  if (watcher == nullptr && !files.empty()) timer_.arm(kUnwatchedInterval);
  if (watcher == nullptr) return;
  for (const std::string& file : files) watches_.push_back(watcher->watch(file, *this));
}

void PluginWatch::onFileChanged(event::FileWatch&) {
  if (plugins_.refresh()) timer_.arm(kInterval);
}

void PluginWatch::onTimer(event::Timer&) {
  const bool again = plugins_.refresh();
  if (watches_.empty()) {
    timer_.arm(kUnwatchedInterval);
  } else if (again) {
    timer_.arm(kInterval);
  }
}

}  // namespace weir::server
