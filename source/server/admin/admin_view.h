// AdminView: what the admin pages may see of the running process, and the two things that they may ask of it. Filled by
// the Server before the admin listener starts; main thread.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/base/clock.h"
#include "source/extensions/transport_sockets/transport_sources.h"
#include "source/filter/matchers.h"
#include "source/net/address.h"
#include "source/stats/stats.h"
#include "source/upstream/host_directory.h"

namespace google::protobuf {
class Message;
}

namespace weir::server {

struct AdminView {
  struct Listener {
    std::string name;
    std::vector<net::Address> addresses;  // with the ports that the kernel chose
  };

  // A name of a cluster that DNS resolves.
  struct ResolvedName {
    std::string_view name;
    std::string_view state;   // "fresh", "stale", "gone", "unknown"
    std::string_view answer;  // the last one, in words
    size_t hosts;
  };

  stats::Registry& stats;
  const base::Clock& clock;
  base::MonotonicTime started;
  const google::protobuf::Message& bootstrap;  // as it was loaded
  std::string_view version = {};
  std::string node_id = {};
  std::string node_cluster = {};
  std::string node_metadata = {};                                 // JSON; empty: none
  std::vector<std::pair<std::string, std::string>> options = {};  // of the command line, as they hold
  unsigned concurrency = 0;
  std::vector<Listener> listeners = {};
  upstream::HostDirectory* hosts = nullptr;
  std::function<std::vector<ResolvedName>(std::string_view cluster)> names = {};  // none: no cluster has any
  // "LIVE", "DRAINING", or before it listens "INITIALIZING".
  std::function<std::string_view()> state = {};
  const extensions::TransportSources* transports = nullptr;
  std::span<const filter::StringMatcher> allowed = {};  // targets that are answered; none: all
  // Called before numbers are rendered, so that those which nobody counts (the uptime) hold.
  std::function<void()> refresh_gauges = {};
  std::function<void()> shut_down = {};
};

}  // namespace weir::server
