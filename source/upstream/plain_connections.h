// PlainConnections: the connections of one worker to a cluster's hosts that belong to no pool: those being opened for
// the TCP proxy, and those handed back with output that must still be written. Made and owned by WorkerCluster, which
// picks the hosts; one worker. Results are delivered from a wake, never from inside connect().
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>

#include "absl/time/time.h"
#include "source/base/ticket.h"
#include "source/upstream/cluster_shard.h"
#include "source/upstream/receivers.h"

namespace weir::upstream {

class PlainConnections {
 public:
  explicit PlainConnections(ClusterShard& shard);
  ~PlainConnections();

  // `host`: what was picked, none if there was nothing to pick. Of the context, what is not about picking.
  base::Ticket connect(std::optional<uint32_t> host, const PickContext& context, ConnectReceiver& receiver);
  void finish(ConnectReceiver::Connected connected, absl::Duration patience);
  size_t size() const { return connecting_.size() + finishing_.size(); }

 private:
  class Connecting;
  class Finishing;

  ClusterShard& shard_;
  std::list<std::unique_ptr<Connecting>> connecting_;
  std::list<std::unique_ptr<Finishing>> finishing_;
};

}  // namespace weir::upstream
