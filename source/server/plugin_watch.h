// PluginWatch: has the catalogue of plugins look at a file that has changed, until it is at rest and serves new
// streams, and then until the version before is free. Where the system cannot watch files, it looks at all of them now
// and then. Part of the Server; main thread. A file that has changed serves new streams within a second.
#pragma once

#include <memory>
#include <vector>

#include "source/event/dispatcher.h"
#include "source/event/file_watch.h"
#include "source/event/timer.h"
#include "source/extensions/plugins/catalogue.h"

namespace weir::server {

class PluginWatch final : private event::FileHandler, private event::TimerHandler {
 public:
  // All outlive it; `watcher` is null where there is none. After the configuration was loaded.
  PluginWatch(event::Dispatcher& dispatcher, event::FileWatcher* watcher, extensions::plugins::Catalogue& plugins);

 private:
  void onFileChanged(event::FileWatch& watch) override;
  void onTimer(event::Timer& timer) override;

  extensions::plugins::Catalogue& plugins_;
  event::Timer timer_;
  std::vector<std::unique_ptr<event::FileWatch>> watches_;
};

}  // namespace weir::server
