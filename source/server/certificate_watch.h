// CertificateWatch: watches the files that TLS transports are made from, and makes a transport anew when one of its
// files has changed. New connections get the new one; what is there is not touched. When the new files are not good (a
// certificate without its key, half a file) everything stays as it was, and a line and a counter say so. Made by the
// Server, which owns it; main thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "source/event/dispatcher.h"
#include "source/event/file_watch.h"
#include "source/event/timer.h"
#include "source/extensions/transport_sockets/transport_sources.h"
#include "source/stats/shard.h"

namespace weir::server {

class CertificateWatch final : private event::FileHandler, private event::TimerHandler {
 public:
  // All outlive it. Without a watcher of the system (a line says so) files are read once, at start.
  CertificateWatch(const extensions::TransportSources& sources, event::Dispatcher& dispatcher,
                   event::LibeventPoller& poller, stats::Shard& shard);

  // Until the first certificate of all transports expires, in days; 0 when one has; 2^32-1 when there is none.
  int64_t daysUntilFirstExpiry(absl::Time now) const;

 private:
  struct Watched {
    std::string file;
    std::unique_ptr<event::FileWatch> watch;
    const extensions::TransportSource* source;
    bool changed = false;
  };

  void onFileChanged(event::FileWatch& watch) override;
  void onTimer(event::Timer& timer) override;
  void watch(const extensions::TransportSource& source);
  void reload(const extensions::TransportSource& source);

  const extensions::TransportSources& sources_;
  stats::Shard& shard_;
  event::Timer settle_;
  std::unique_ptr<event::FileWatcher> watcher_;
  std::vector<Watched> watched_;
};

}  // namespace weir::server
