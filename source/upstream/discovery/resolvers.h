// Resolvers: the DNS resolvers of one thread, one for each set of options, so that thousands of clusters share one
// channel and its limit of questions. Made by the Server for the main thread, where all of them run; owns them, and
// outlives what resolves with them.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "source/event/dispatcher.h"
#include "source/event/libevent_poller.h"
#include "source/upstream/dns/ares_options.h"
#include "source/upstream/dns/ares_resolver.h"
#include "source/upstream/dns/resolver.h"

namespace weir::upstream::discovery {

class Resolvers {
 public:
  // Both must outlive it.
  Resolvers(event::Dispatcher& dispatcher, event::LibeventPoller& poller) : dispatcher_(dispatcher), poller_(poller) {}

  // The resolver with these options; made when it is asked for first. Valid as long as this object. Fails as
  // AresResolver::create() does. Null is never inside.
  absl::StatusOr<dns::Resolver*> get(const dns::AresOptions& options);
  size_t size() const { return made_.size(); }

 private:
  struct Made {
    dns::AresOptions options;
    std::unique_ptr<dns::AresResolver> resolver;
  };

  event::Dispatcher& dispatcher_;
  event::LibeventPoller& poller_;
  std::vector<Made> made_;
};

}  // namespace weir::upstream::discovery
