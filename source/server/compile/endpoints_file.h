// readEndpointsFile: the hosts of a cluster from a file that holds a DiscoveryResponse with its ClusterLoadAssignment.
// EndpointsFile: reads that file again when it changes. Main thread; reading blocks on the disk.
//
// A file that cannot be read, or has an error, changes nothing: a line in the log says what is wrong with it, a counter
// counts it, and the hosts that there were stay. A file without endpoints is a cluster without hosts.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "source/event/file_watch.h"
#include "source/stats/stats.h"
#include "source/upstream/discovery/file_discovery.h"
#include "source/upstream/host.h"

namespace weir::server {

struct Endpoints {
  std::string version;   // as the file says; may be empty
  std::string contents;  // of the cluster's message, to compare
  std::vector<upstream::HostSpec> hosts;
};

// InvalidArgument with one line for each error, which names the place in the file.
absl::StatusOr<Endpoints> readEndpointsFile(const upstream::discovery::FileDiscovery& from);

class EndpointsFile final : private event::FileHandler {
 public:
  struct Seams {
    event::FileWatcher& watcher;
    stats::Registry& stats;
    stats::Shard& shard;  // of the main thread
  };
  using Update = std::function<void(const std::vector<upstream::HostSpec>&)>;

  // All must outlive it. Reads at once, so that no change since the start is missed; `update` may be called from here.
  EndpointsFile(std::string_view cluster, std::string_view stat_name, const upstream::discovery::FileDiscovery& from,
                const Seams& seams, Update update);

 private:
  struct Stats {
    stats::CounterId attempt, success, failure, rejected, no_rebuild;
  };

  void onFileChanged(event::FileWatch& watch) override;
  void read();

  const std::string cluster_;
  const upstream::discovery::FileDiscovery from_;
  stats::Shard& shard_;
  const Stats stats_;
  const Update update_;
  std::string contents_;
  std::unique_ptr<event::FileWatch> watch_;
};

}  // namespace weir::server
