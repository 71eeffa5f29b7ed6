// WorkerDemand: one worker's part in a cluster that gets its hosts when they are asked for: finds the host of a key,
// and keeps whoever asks for one that is not there until the main thread has made it. Made and owned by the
// WorkerCluster of such a cluster; one thread.
//
// What waits holds a Ticket like any other: destroying it takes it out. It is told, later and once, of a stream, of a
// connection, or of why there is none: the host could not be had, too many wait, or it took too long.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "source/base/ticket.h"
#include "source/event/wakeable.h"
#include "source/upstream/demand.h"
#include "source/upstream/receivers.h"
#include "source/upstream/waiter.h"

namespace weir::upstream {

class WorkerCluster;

class WorkerDemand final : private event::Wakeable {
 public:
  // Both must outlive it.
  WorkerDemand(const Demand& demand, WorkerCluster& cluster, event::Dispatcher& dispatcher);
  ~WorkerDemand();

  // To the host of `context.wanted`. Receivers as in WorkerCluster.
  base::Ticket openStream(const PickContext& context, StreamReceiver& receiver);
  base::Ticket connect(const PickContext& context, ConnectReceiver& receiver);

  // The cluster has other hosts: those that wait for one of them go on.
  void hostsChanged();

 private:
  class Parked;

  std::optional<uint32_t> find(std::string_view key);
  base::Ticket park(const PickContext& context, StreamReceiver* stream, ConnectReceiver* connection);
  void ask(const std::string& key);
  void answered(const std::string& key, http::Reason reason);
  void onWake() override;

  const Demand& demand_;
  WorkerCluster& cluster_;
  event::Dispatcher& dispatcher_;
  absl::flat_hash_map<std::string, uint32_t> slots_;  // by key
  bool index_is_old_ = true;
  std::vector<std::unique_ptr<Parked>> parked_;
  std::vector<std::string> asked_;
  std::shared_ptr<WorkerDemand*> self_;  // for answers of the main thread, which may come when this is gone
};

}  // namespace weir::upstream
