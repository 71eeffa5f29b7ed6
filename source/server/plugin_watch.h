// PluginWatch: has the catalogue of plugins look at its files now and then, and free what is no longer in use. Part of
// the Server; main thread. A file that has changed serves new streams within a second.
#pragma once

#include "source/event/dispatcher.h"
#include "source/event/timer.h"
#include "source/extensions/plugins/catalogue.h"

namespace weir::server {

class PluginWatch final : private event::TimerHandler {
 public:
  // Both outlive it.
  PluginWatch(event::Dispatcher& dispatcher, extensions::plugins::Catalogue& plugins);

 private:
  void onTimer(event::Timer& timer) override;

  extensions::plugins::Catalogue& plugins_;
  event::Timer timer_;
};

}  // namespace weir::server
