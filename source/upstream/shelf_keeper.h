// ShelfKeeper: one worker's way to the IdleShelf of a cluster: counts what goes there and comes from there, closes what
// is of no more use. A member of the ClusterShard; one worker.
//
// An idle connection goes to the shelf when its worker had no use for it for kShareAfter, if other workers have the
// cluster too. A connection of the worker's own that is idle always comes first, so that a busy worker never takes
// part. HTTP/1 over plain bytes alone: what TLS and HTTP/2 know of a connection belongs to the worker that made it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/time/time.h"
#include "source/base/clock.h"
#include "source/event/timer.h"
#include "source/net/socket.h"
#include "source/upstream/idle_shelf.h"

namespace weir::upstream {

class ClusterShard;

class ShelfKeeper final : private event::TimerHandler {
 public:
  static constexpr absl::Duration kShareAfter = absl::Milliseconds(250);

  // Part of `shard`.
  explicit ShelfKeeper(ClusterShard& shard);

  // Whether idle connections of this worker are of use to others.
  bool shares() const;
  // A connection that is open and quiet, with the permit that it holds. `expires`: see Idle.
  void put(uint32_t slot, Priority priority, std::unique_ptr<net::Socket> socket, base::MonotonicTime opened,
           base::MonotonicTime expires, uint64_t requests);
  // The same, the other way: one that is still open and quiet now; none: there is none to that host.
  std::optional<IdleShelf::Idle> take(uint32_t slot, Priority priority);
  // Closes one, so that its permit is free; false when there is none. Of a host, or of any.
  bool closeOne(uint32_t slot, Priority priority);
  bool closeAny(Priority priority);
  // Closes those to hosts that the cluster does not have any more.
  void closeRemoved();
  void closeAll();

 private:
  void onTimer(event::Timer& timer) override;
  IdleShelf& shelf() const;
  void close(IdleShelf::Idle idle);

  ClusterShard& shard_;
  event::Timer sweep_;
};

}  // namespace weir::upstream
